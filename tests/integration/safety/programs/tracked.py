# SPDX-License-Identifier: MIT
"""Connection tracking: races for an entry, and TCP whose packets change their length on the way."""

import select
import socket
import subprocess
from collections.abc import Callable

from checks import eventually, holds, same
from ctnetlink import create_tcp
from fastqueue import abi
from lane import Flow, Handler, chain, conserved, enter, ip
from nets import Hosts, address

_HEADERS = 20


def _entries() -> int:
    """Return how many entries this namespace has."""
    with open("/proc/sys/net/netfilter/nf_conntrack_count") as file:  # noqa: PTH123 start-up time
        return int(file.read())


def clash() -> None:
    """Packets of a new UDP flow, the later ones confirmed first: all arrive, and one entry is left."""
    enter(chain("output", "ct state new udp dport 7000 queue num 0"))
    flow, handler = Flow(), Handler(frames=16, unordered=True)
    flow.send(6)
    for count in (3, 5, 0, 1, 2, 4):
        handler.put(count, abi.ANSWER_ACCEPT)
        handler.settle()
        same(flow.arrived(), [count], "the packet that was accepted")
    same((_entries(), handler.stats().accepted), (1, 6), "entries, and packets accepted")


def translated_clash() -> None:
    """Two packets of a new flow, translated to two hosts before either is confirmed: both arrive.

    Where the second goes, to the host it was translated to or to the entry's, is the kernel's choice: 6.1
    and 6.12 differ.
    """
    hosts = Hosts(
        "table ip tnat { chain c { type nat hook prerouting priority -105; "
        "ip daddr 10.6.6.6 udp length 12 dnat to 10.0.2.2; ip daddr 10.6.6.6 dnat to 10.0.2.3; }; }",
        chain("postrouting", "ip daddr 10.0.2.0/24 udp dport 7000 queue num 0", priority=95),
    )
    with hosts.inside("b"):
        ip("address add 10.0.2.3/24 dev eth0")
        receivers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for receiver, place in zip(receivers, ("10.0.2.2", "10.0.2.3"), strict=True):
            receiver.bind((place, 7000))
            receiver.settimeout(10)
    sender = hosts.socket("a", socket.SOCK_DGRAM)
    handler = Handler(frames=16)
    before = _entries()
    sender.connect(("10.6.6.6", 7000))
    sender.send(b"four")
    sender.send(b"eleven more")
    eventually(lambda: handler.fa == 2, "both are in frames")
    handler.answer_all()
    came: list[bytes] = []
    while len(came) < 2 and (ready := select.select(receivers, [], [], 10)[0]):
        came += [each.recv(64) for each in ready]
    same(sorted(came), [b"eleven more", b"four"], "what the hosts get")
    holds(_entries() - before <= 2, "one entry, and the second packet's until its time is over")
    conserved(handler.stats())


class _Stream:
    """TCP from ``a`` to ``b`` by a router that translates ``a``'s address; its packets wait in frames."""

    def __init__(self, *, known: bool) -> None:
        """``known``: the connection has an entry with room for shifts, made before it begins."""
        holds(not subprocess.run(["modprobe", "nf_conntrack_netlink"], check=False).returncode, "ctnetlink")
        self.hosts = Hosts(
            "table ip tnat { chain c { type nat hook postrouting priority 100; oifname pb masquerade; }; }",
            chain("forward", "meta l4proto tcp queue num 0"),
        )
        self.handler = Handler(frames=64, frame_size=2048, writable=True)
        server = self.hosts.socket("b", socket.SOCK_STREAM)
        server.bind((address(2), 7000))
        server.listen()
        self.client = self.hosts.socket("a", socket.SOCK_STREAM)
        self.client.bind((address(1), 4000))
        if known:
            create_tcp((address(1), 4000), (address(2), 7000), "10.0.2.1")
        self.client.setblocking(False)
        self.client.connect_ex((address(2), 7000))
        server.setblocking(False)
        self.server: socket.socket | None = None

        def connected() -> bool:
            self.turn()
            try:
                self.server, _ = server.accept()
            except BlockingIOError:
                return False
            return True

        eventually(connected, "a connection")
        assert self.server is not None
        same(self.server.getpeername()[0], "10.0.2.1", "the address that the server sees")

    def turn(self, change: Callable[[bytes], bytes] = lambda data: data) -> None:
        """Answer what waits; TCP's contents, where there are any, become ``change(contents)``."""
        for count in range(self.handler.fp, self.handler.fa):
            ring = self.handler.device.ring
            length = abi.META.unpack_from(ring.meta, (count & ring.mask) * abi.META.size)[0]
            packet = bytes(self.handler.payload(count)[:length])
            start = _HEADERS + (packet[_HEADERS + 12] >> 4) * 4
            changed = change(packet[start:]) if length > start else b""
            if changed == packet[start:]:
                self.handler.put(count, abi.ANSWER_ACCEPT)
                continue
            new = packet[:start] + changed
            self.handler.payload(count)[: len(new)] = new
            self.handler.fields(count, length=len(new), flags=abi.A_ALL)
            self.handler.put(count, abi.ANSWER_ACCEPT | abi.WITH_PAYLOAD)
        self.handler.settle()

    def passes(self, here: socket.socket, there: socket.socket, data: bytes, wanted: bytes,
               change: Callable[[bytes], bytes]) -> None:  # fmt: skip
        """Send ``data``; fail unless ``wanted`` arrives, once."""
        here.send(data)
        got = b""

        def arrived() -> bool:
            nonlocal got
            self.turn(change)
            try:
                got += there.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            return len(got) >= len(wanted)

        eventually(arrived, f"{len(wanted)} bytes")
        same(got, wanted, "what arrives")


def _longer(data: bytes) -> bytes:
    return data.replace(b"short", b"not so very short")


def _shorter(data: bytes) -> bytes:
    return data.replace(b"quite a long word", b"word")


def lengths_of_a_known_connection() -> None:
    """Sequence numbers of a translated connection follow, both ways, longer and shorter."""
    stream = _Stream(known=True)
    server = stream.server
    assert server is not None
    for turn in range(3):
        text = b"short %d." % turn
        stream.passes(stream.client, server, text, _longer(text), _longer)
        stream.passes(stream.client, server, b"unchanged.", b"unchanged.", _longer)
        text = b"quite a long word %d." % turn
        stream.passes(server, stream.client, text, _shorter(text), _shorter)
        stream.passes(server, stream.client, b"as it was.", b"as it was.", _shorter)
    same(stream.handler.stats().dropped, 0, "dropped")


def lengths_of_any_connection() -> None:
    """Without room for shifts the changed packet arrives, with which the connection parts; no complaint."""
    for text, change in ((b"short.", _longer), (b"quite a long word.", _shorter)):
        stream = _Stream(known=False)
        server = stream.server
        assert server is not None
        stream.passes(server, stream.client, b"as it was.", b"as it was.", change)
        stream.passes(stream.client, server, text, change(text), change)
        conserved(stream.handler.stats())


def same_lengths() -> None:
    """Contents of the same length: any connection goes on, both ways."""
    stream = _Stream(known=False)
    server = stream.server
    assert server is not None
    for _ in range(3):
        stream.passes(stream.client, server, b"lower case", b"LOWER CASE", bytes.upper)
        stream.passes(server, stream.client, b"answers", b"ANSWERS", bytes.upper)
