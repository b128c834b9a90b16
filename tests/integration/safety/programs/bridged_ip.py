# SPDX-License-Identifier: MIT
"""IP rules on a bridge (br_netfilter): the ports are told as physical interfaces, and may go."""

import contextlib
import subprocess
from collections.abc import Iterator
from functools import partial

from checks import eventually, holds, same
from fastqueue import abi
from fastqueue.meta import Meta
from lane import Handler, chain, conserved, ip, nft
from nets import Datagrams, Hosts, address, expect, index
from segments import through

_HOOKS = {"prerouting": 0, "forward": 2, "postrouting": 4}
_FAMILIES = {4: 2, 6: 10}


@contextlib.contextmanager
def _bridge(*scripts: str) -> Iterator[Hosts]:
    """Have br_netfilter loaded meanwhile: it would change what other cases see."""
    holds(not subprocess.run(["modprobe", "br_netfilter"], check=False).returncode, "there is br_netfilter")
    try:
        yield Hosts(*scripts, bridged=True)
    finally:
        subprocess.run(["modprobe", "-r", "br_netfilter"], check=True)


def _waiting(handler: Handler, number: int) -> bool:
    return handler.stats().occupied >= number


def interfaces() -> None:
    """Prerouting, forward, postrouting; IPv4 and IPv6: bridge and ports."""
    with _bridge() as hosts:
        bridge = index("br0")
        for hook, number in _HOOKS.items():
            nft(chain(hook, "udp dport 7000 queue num 0"))
            for version in (4, 6):
                flow, handler = Datagrams(hosts, version, bridged=True), Handler(frames=64)
                flow.send(4)
                eventually(partial(_waiting, handler, 4), "packets in frames")
                meta = Meta.read(handler.device.ring.meta, 0)
                found = (meta.hook, meta.family, meta.indev, meta.outdev, meta.physindev, meta.physoutdev)
                came = 0 if hook == "postrouting" else bridge
                goes = 0 if hook == "prerouting" else bridge
                wanted = (number, _FAMILIES[version], came, goes, index("pa"), index("pb") if goes else 0)
                same(found, wanted, f"hook, family, bridge and ports at {hook}, IPv{version}")
                handler.answer((0, 2))
                handler.answer((1, 3), abi.ANSWER_DROP)
                handler.settle()
                expect(flow, [0, 2], f"bridge {hook}, IPv{version}")
                handler.close()
                flow.close()
            nft(f"delete table inet t{hook}")


def port_leaves() -> None:
    """A port leaves the bridge, or goes down, with packets queued: those are dropped, others pass."""
    with _bridge(chain("forward", "udp dport 7000 queue num 0")) as hosts:
        flow, handler = Datagrams(hosts, bridged=True), Handler(frames=64)
        flow.send(3)
        ip("link set pb nomaster")
        handler.answer_all()
        expect(flow, [], "a port that left")
        ip("link set pb master br0")
        flow.send(3)
        same(handler.stats().occupied, 3, "packets in frames")
        ip("link set pb down")
        same((handler.stats().occupied, handler.stats().flushed), (0, 3), "flushed with their port")
        ip("link set pb up")
        sent = flow.send(2)
        eventually(lambda: handler.stats().occupied == 2, "packets in frames")
        handler.answer_all()
        expect(flow, sent, "the port is back")
        flow.send(2)
        ip("link delete br0")
        same(handler.stats().occupied, 0, "packets in frames without the bridge")
        conserved(handler.stats())


def bridge_leaves() -> None:
    """A bridge that only an entry of the bridge family refers to is deleted without waiting for an answer."""
    rule = chain("forward", "ether type ip udp dport 7000 queue num 0", family="bridge")
    with _bridge(rule) as hosts:
        flow, handler = Datagrams(hosts, bridged=True), Handler(frames=64)
        flow.send(2)
        eventually(partial(_waiting, handler, 2), "packets in frames")
        deleted = subprocess.run(["ip", "link", "delete", "br0"], check=False, timeout=60)
        same(deleted.returncode, 0, "deletion of the bridge")
        same(handler.stats().occupied, 0, "packets in frames without the bridge")
        conserved(handler.stats())
        handler.close()


def segments() -> None:
    """Large packets, whole and taken apart: segments keep what the bridge knows about them."""
    with _bridge() as hosts:
        for hook in _HOOKS:
            nft(chain(hook, "tcp dport 7000 queue num 0"))
            for options in ({"gso": True, "frame_size": 65536, "frames": 32}, {}):
                seen, handler = through(hosts, address(2, bridged=True), **options)
                holds(handler.stats().segmented or seen.gso > 2, "large packets")
                handler.close()
            nft(f"delete table inet t{hook}")
