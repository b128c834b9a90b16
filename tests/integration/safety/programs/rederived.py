# SPDX-License-Identifier: MIT
"""What the stack found in a packet before it was changed is not used for the changed one."""

import contextlib
import socket
import struct
import subprocess
from collections.abc import Iterator

from changes import checksum
from checks import eventually, holds, same
from fastqueue import abi
from lane import Flow, Handler, chain, enter, ip
from nets import Hosts

_CHANGED = abi.ANSWER_ACCEPT | abi.WITH_PAYLOAD
_COMPLETE = abi.A_LENGTHS | abi.A_CHECKSUMS
_UDP = struct.pack("!4H", 4000, 7000, 8 + 60, 0) + bytes(60)
_RECORD_ROUTE = bytes([7, 11, 4]) + bytes(8) + b"\0"
_OTHER_OPTIONS = bytes([1, 1, 45, 9]) + bytes(7) + b"\0"


def longer_first_packet_of_a_connection() -> None:
    """A packet that grew has its unconfirmed connection for itself: a second queue takes it too."""
    rule = "ct state new udp dport 7000-7010 queue num {}"
    enter(chain("output", rule.format(0)), chain("output", rule.format(1), priority=10, name="second"))
    for port, more in ((7000, 0), (7001, 800)):
        flow = Flow(port=port)
        first, second = Handler(0, frame_size=2048, writable=True), Handler(1, frame_size=2048)
        flow.send()
        first.payload(0)[28 : 32 + more] = b"x" * (4 + more)
        first.fields(0, length=32 + more, flags=_COMPLETE)
        first.put(0, _CHANGED)
        first.settle()
        same((second.fa, second.stats().default_dropped), (1, 0), f"in the second queue, {more} bytes more")
        second.answer_all()
        same(flow.contents(), [b"x" * (4 + more)], f"contents, {more} bytes more")
        for each in (first, second, flow):
            each.close()


@contextlib.contextmanager
def _ingress(bridged: bool) -> Iterator[Hosts]:
    """Have a router between two hosts, on one side behind a bridge with br_netfilter."""
    if not bridged:
        yield Hosts(chain("forward", "udp dport 7000 queue num 0"))
        return
    holds(not subprocess.run(["modprobe", "br_netfilter"], check=False).returncode, "there is br_netfilter")
    try:
        hosts = Hosts(chain("forward", "udp dport 7000 queue num 0"))
        ip("link add br0 type bridge", "link set pa master br0", "link set br0 up",
           "address del 10.0.1.1/24 dev pa", "address add 10.0.1.1/24 dev br0")  # fmt: skip
        yield hosts
        ip("link delete br0")
    finally:
        subprocess.run(["modprobe", "-r", "br_netfilter"], check=False)


def _header(options: bytes) -> bytes:
    words = (20 + len(options)) // 4
    fields = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(_UDP), 1, 0, 64, 17, 0)
    return fields + socket.inet_aton("10.0.1.2") + socket.inet_aton("10.0.2.2") + options


def _options(bridged: bool) -> None:
    with _ingress(bridged) as hosts:
        receiver = hosts.socket("b", socket.SOCK_DGRAM)
        receiver.bind(("", 7000))
        receiver.settimeout(20)
        handler = Handler(0, frame_size=2048, writable=True)
        with hosts.inside("a"):
            sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        sender.sendto(_header(_RECORD_ROUTE) + _UDP, ("10.0.2.2", 0))
        eventually(lambda: handler.fa == 1, "queued")
        seen = bytearray(handler.payload(0)[:32])
        seen[20:32] = _OTHER_OPTIONS
        seen[10:12] = b"\0\0"
        seen[10:12] = struct.pack("!H", checksum(bytes(seen)) ^ 0xFFFF)
        handler.payload(0)[:32] = seen
        handler.fields(0, length=32 + len(_UDP))
        handler.put(0, _CHANGED)
        handler.settle()
        same(receiver.recv(2048), bytes(60), "contents that arrived")
        same((handler.stats().accepted, handler.stats().refused), (1, 0), "accepted, refused")
        for each in (handler, receiver, sender):
            each.close()


def options_of_a_routed_packet() -> None:
    """Nothing is written at the places of the options that were."""
    _options(bridged=False)


def options_of_a_packet_from_a_bridge() -> None:
    """Nor where the packet came through a bridge before it was routed."""
    _options(bridged=True)


def an_answer_may_not_change_the_transport_protocol() -> None:
    """Of a packet for this host: it is dropped, and counted as refused."""
    for version, at in ((4, 9), (6, 6)):
        enter(chain("input", "udp dport 7000 queue num 0"))
        flow, handler = Flow(version), Handler(writable=True)
        flow.send(2)
        for count, protocol in ((0, 6), (1, 17)):
            handler.payload(count)[at] = protocol
            handler.fields(count, length=52 - 20 * (version == 4), flags=abi.A_CHECKSUMS)
            handler.put(count, _CHANGED)
        handler.settle()
        found = handler.stats()
        same((found.dropped, found.refused, found.accepted), (1, 1, 1), f"dropped and so on, IPv{version}")
        same(flow.arrived(), [1], f"packets, IPv{version}")
        handler.close()
        flow.close()
