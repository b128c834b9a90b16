# SPDX-License-Identifier: MIT
"""Each hook of each family, over a router and over a bridge; VLANs; who may have a queue."""

import errno
import os
import socket
import subprocess
from fcntl import ioctl

from checks import eventually, holds, refused, same
from fastqueue import RingOptions, abi
from fastqueue.device import Device
from fastqueue.errors import QueueError
from fastqueue.meta import Meta
from lane import Flow, Handler, chain, conserved, enter, ip, lines, nft
from libc import CLONE_NEWNET, unshare
from nets import Datagrams, Hosts, expect, index
from processes import start, wait

_INET = {"prerouting": 0, "input": 1, "forward": 2, "output": 3, "postrouting": 4}
IPV4, IPV6, BRIDGE = 2, 10, 7


def _meta(handler: Handler, count: int) -> Meta:
    ring = handler.device.ring
    return Meta.read(ring.meta, count & ring.mask)


def _hook(hosts: Hosts, hook: str, version: int, interfaces: tuple[int, int]) -> None:
    flow = Datagrams(hosts, version, port=7000 + version)
    handler = Handler(frames=64)
    flow.send(5)
    meta = _meta(handler, 0)
    found = (meta.hook, meta.family, meta.indev, meta.outdev, meta.protocol)
    wanted = (_INET[hook], IPV4 if version == 4 else IPV6, *interfaces, 0x0800 if version == 4 else 0x86DD)
    same(found, wanted, f"hook, family, interfaces, protocol at {hook}")
    handler.answer((0, 1, 3, 4))
    handler.put(2, abi.ANSWER_DROP)
    handler.settle()
    expect(flow, [0, 1, 3, 4], hook)
    handler.close()
    flow.close()


def routed() -> None:
    """Prerouting, forward and postrouting of a router, IPv4 and IPv6."""
    hosts = Hosts()
    sides = {
        "prerouting": (index("pa"), 0),
        "forward": (index("pa"), index("pb")),
        "postrouting": (index("pa"), index("pb")),
    }
    for hook, interfaces in sides.items():
        nft(chain(hook, "udp dport 7004-7006 queue num 0"))
        for version in (4, 6):
            _hook(hosts, hook, version, interfaces)
        nft(f"delete table inet t{hook}")


def local() -> None:
    """Input and output, IPv4 and IPv6; checksums that the loopback leaves open are completed."""
    enter(chain("output", "udp dport 7000 queue num 0"), chain("input", "udp dport 7000 queue num 1"))
    for version in (4, 6):
        flow, out, into = Flow(version), Handler(0), Handler(1)
        flow.send(4)
        same((_meta(out, 0).hook, _meta(out, 0).checksum_ready), (3, True), "output")
        out.answer(range(4))
        out.settle()
        same((_meta(into, 0).hook, _meta(into, 0).indev), (1, index("lo")), "input")
        into.answer((0, 3))
        into.answer((1, 2), abi.ANSWER_DROP)
        into.settle()
        same(flow.arrived(), [0, 3], "packets")
        for each in (out, into, flow):
            each.close()


def open_checksums() -> None:
    """Readers that ask for whole packets get the checksum as it is, and are told."""
    enter(chain("output", "udp dport 7000 queue num 0"))
    flow, handler = Flow(), Handler(gso=True)
    flow.send(2)
    same((_meta(handler, 0).checksum_ready, _meta(handler, 0).gso), (False, False), "checksum, GSO")
    handler.answer_all()
    same(flow.arrived(), [0, 1], "packets")


def bridged() -> None:
    """Prerouting, forward and postrouting of a bridge, with its ports as physical interfaces."""
    hosts = Hosts(bridged=True)
    ports = {"prerouting": ("pa", ""), "forward": ("pa", "pb"), "postrouting": ("", "pb")}
    for hook, (came, goes) in ports.items():
        nft(chain(hook, "ether type ip udp dport 7000 queue num 0", family="bridge"))
        flow, handler = Datagrams(hosts, bridged=True), Handler(frames=64)
        flow.send(5)
        meta = _meta(handler, 0)
        bridge = index("br0")
        wanted = (BRIDGE, index(came) if came else 0, index(goes) if goes else 0, bridge if came else 0,
                  bridge if goes else 0)  # fmt: skip
        same(
            (meta.family, meta.physindev, meta.physoutdev, meta.indev, meta.outdev), wanted, f"bridge {hook}"
        )
        handler.answer((0, 2, 4))
        handler.answer((1, 3), abi.ANSWER_DROP)
        handler.settle()
        expect(flow, [0, 2, 4], f"bridge {hook}")
        flow.send(3)
        ip("link set pb nomaster")
        handler.answer_all()
        expect(flow, [], f"{hook}: a port that left the bridge")
        ip("link set pb master br0")
        conserved(handler.stats())
        handler.close()
        flow.close()
        nft(f"delete table bridge t{hook}")


def vlan() -> None:
    """A tag that the interface took off is told, and still there behind the bridge."""
    hosts = Hosts(bridged=True)
    for number, name in ((1, "a"), (2, "b")):
        with hosts.inside(name):
            ip(
                "link add link eth0 name v5 type vlan id 5",
                "link set v5 up",
                f"address add 10.0.5.{number}/24 dev v5",
            )
    receiver, sender = hosts.socket("b", socket.SOCK_DGRAM), hosts.socket("a", socket.SOCK_DGRAM)
    receiver.bind(("10.0.5.2", 7005))
    sender.connect(("10.0.5.2", 7005))
    sender.send(b"before")
    receiver.settimeout(10)
    same(receiver.recv(64), b"before", "without a queue")
    nft(chain("forward", "queue num 0", family="bridge"))
    handler = Handler(frames=64)
    sender.send(b"tagged")
    tagged: list[int] = []

    def taken() -> list[int]:
        tagged.extend(_tagged(handler))
        return tagged

    eventually(taken, "a packet with a tag")
    meta = _meta(handler, tagged[-1])
    same((meta.vlan_tci & 0xFFF, meta.vlan_protocol), (5, 0x8100), "tag")
    handler.answer_all()
    same(receiver.recv(64), b"tagged", "with a queue")


def _tagged(handler: Handler) -> list[int]:
    return [count for count in range(handler.fa) if _meta(handler, count).flags & abi.M_VLAN]


def namespaces() -> None:
    """The same number in two namespaces: two queues that know nothing of each other."""
    rule = chain("output", "udp dport 7000 queue num 0")
    enter(rule)
    flow, handler = Flow(), Handler()

    def other() -> None:
        enter(rule)
        same(lines(), [], "queues of the other namespace, in the new one")
        flow, handler = Flow(), Handler()
        flow.send(3)
        same((len(lines()), handler.stats().occupied), (1, 3), "its own")
        handler.answer_all()
        same(flow.arrived(), [0, 1, 2], "packets")

    flow.send(2)
    same(wait(start(other)), 0, "the other namespace")
    same((handler.stats().received, handler.stats().occupied), (2, 2), "nothing of it here")
    handler.answer_all()
    same(flow.arrived(), [0, 1], "packets")


def rights() -> None:
    """Without CAP_NET_ADMIN neither file nor ring; in a namespace of one's own, both; an open queue works."""
    enter()
    keeper = Handler()
    opened = os.open(abi.DEVICE, os.O_RDWR)

    def unprivileged() -> None:
        os.setgid(65534)
        os.setuid(65534)
        refused(errno.EPERM, os.open, abi.DEVICE, os.O_RDWR, what="open")
        refused(errno.EPERM, ioctl, opened, abi.IOC_ALLOC, RingOptions(1).pack(), what="ALLOC")
        keeper.settle()
        same(keeper.stats().occupied, 0, "a queue that was given to it")
        refused(errno.EPERM, unshare, CLONE_NEWNET)
        unshare(0x10000000 | CLONE_NEWNET)  # with a user namespace
        try:
            Device(RingOptions(1, 8, 256)).close()
        except QueueError as error:
            raise AssertionError(f"a ring in a namespace of its own: {error}") from error

    same(wait(start(unprivileged)), 0, "an unprivileged process")


def many_queues() -> None:
    """Sixty-four in one process, rules that spread over them, two of them closed meanwhile."""
    enter(chain("output", *(f"udp dport {7000 + number} queue num {number}" for number in range(64))))
    handlers = [Handler(number) for number in range(64)]
    flows = [Flow(port=7000 + number) for number in range(64)]
    for flow in flows:
        flow.send(3)
    same(len(lines()), 64, "lines")
    handlers.pop(7).close()
    handlers.pop(30).close()
    for handler in handlers:
        handler.answer_all()
    passed = [flow.arrived() for flow in flows]
    same((passed.count([0, 1, 2]), passed.count([])), (62, 2), "flows that passed, and not")
    refused_again = subprocess.run(["python3", "-c", "from fastqueue import Queue; Queue(5)"], check=False,
                                   capture_output=True, text=True)  # fmt: skip
    holds("queue 5" in refused_again.stderr, refused_again.stderr)


def many_chains() -> None:
    """Two hundred chains, each to a queue that is full and lets pass: more than a stack has room for, were
    each gone through from within the one before."""
    one = "chain c{0} {{ type filter hook output priority {0}; udp dport 7000 queue num 0; }};"
    enter("table inet many { " + " ".join(one.format(number) for number in range(200)) + " }")
    flow, handler = Flow(), Handler(default_action="accept")
    handler.device.set(abi.SETTINGS.pack(abi.SET_LIMIT, 0, 0, 0, 0, 1, 0))
    flow.send(2)
    same((flow.arrived(), handler.stats().default_accepted), ([1], 200), "past all chains")
    handler.answer_all()
    found = handler.stats()
    same((flow.arrived(), found.accepted, found.occupied), ([], 1, 1), "the first packet, one chain further")
