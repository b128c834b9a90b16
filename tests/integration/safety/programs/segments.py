# SPDX-License-Identifier: MIT
"""TCP in pieces larger than a packet: whole for readers that ask, in segments for all others."""

import contextlib
import hashlib
import random
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from checks import holds, same
from fastqueue import abi
from lane import Flow, Handler, chain, conserved, enter, ip, nft
from nets import Hosts, address

BYTES = 200_000
_UDP_SEGMENT = 103  # of linux/udp.h
LATE = 12  # segments that a slow machine may take for lost


@dataclass
class Seen:
    """What passed through the queue."""

    lengths: list[int] = field(default_factory=list)
    gso: int = 0
    open_checksums: int = 0
    pieces: dict[int, bytes] = field(default_factory=dict)  # of the stream to the server, by sequence number
    stream: bytes = b""  # what was sent there

    @property
    def longest(self) -> int:
        """Bytes of the longest packet."""
        return max(self.lengths)

    def together(self) -> bytes:
        """Stream to the server as the ring had it."""
        first = next(iter(self.pieces))
        stream = bytearray(BYTES)
        for number, data in self.pieces.items():
            place = (number - first) % (1 << 32)
            stream[place : place + len(data)] = data
        return bytes(stream)


def transfer(server: socket.socket, client: socket.socket, place: str, turn: Callable[[], None]) -> bytes:
    """Send from client to server, with ``turn()`` again and again; returns what was sent, and arrived."""
    data = random.randbytes(BYTES)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((place, 7000))
    server.listen()
    server.setblocking(False)
    client.setblocking(False)
    client.connect_ex((place, 7000))
    sent, got, peer = 0, b"", None
    until = time.monotonic() + 40
    while len(got) < BYTES:
        holds(time.monotonic() < until, f"{sent} bytes sent, {len(got)} arrived, of {BYTES}")
        turn()
        try:
            peer = peer or server.accept()[0]
            sent += client.send(data[sent:]) if sent < BYTES else 0
            got += peer.recv(1 << 20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        if peer:
            with contextlib.suppress(BlockingIOError):
                got += peer.recv(1 << 20, socket.MSG_DONTWAIT)
    same(hashlib.sha1(got).digest(), hashlib.sha1(data).digest(), "contents")
    return data


def _stream_piece(packet: memoryview) -> tuple[int, bytes]:
    """Sequence number and data of a whole TCP packet to the server; no data of any other."""
    tcp = packet[40 if packet[0] >> 4 == 6 else (packet[0] & 15) * 4 :]
    _, port, number = struct.unpack_from(">HHI", tcp)
    return number, bytes(tcp[(tcp[12] >> 4) * 4 :]) if port == 7000 else b""


def _watch(handler: Handler, seen: Seen) -> None:
    ring = handler.device.ring
    for count in range(handler.fp, handler.fa):
        meta = abi.META.unpack_from(ring.meta, (count & ring.mask) * abi.META.size)
        seen.lengths.append(meta[0])
        seen.gso += bool(meta[2] & abi.M_GSO)
        seen.open_checksums += bool(meta[2] & abi.M_CSUM_NOT_READY)
        number, data = _stream_piece(handler.payload(count)[: meta[0]])
        seen.pieces.update({number: data} if data else {})
        handler.put(count, abi.ANSWER_ACCEPT)
    handler.settle()


def _sent_again() -> int:
    """Return this namespace's count of TCP segments that were sent again: none is lost on the way."""
    with open("/proc/thread-self/net/snmp") as file:  # noqa: PTH123 start-up time
        names, values = (line.split() for line in file if line.startswith("Tcp:"))
    return int(values[names.index("RetransSegs")])


def through(hosts: Hosts | None, place: str, version: int = 4, **options: object) -> tuple[Seen, Handler]:
    seen, handler = Seen(), Handler(**{"frames": 256, "frame_size": 2048, **options})  # type: ignore[arg-type]
    if hosts:
        server, client = (hosts.socket(name, socket.SOCK_STREAM, version) for name in ("b", "a"))
    else:
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        server, client = (socket.socket(family, socket.SOCK_STREAM) for _ in range(2))
    before = 0
    if hosts:
        with hosts.inside("a"):
            before = _sent_again()
    seen.stream = transfer(server, client, place, lambda: _watch(handler, seen))
    conserved(handler.stats())
    if hosts:
        with hosts.inside("a"):
            again = _sent_again() - before
        holds(again <= LATE, f"{again} segments had to be sent again, of some {BYTES // 1400}")
    server.close()
    client.close()
    return seen, handler


def local_segmented() -> None:
    """Output hook: whatever the stack makes, the reader sees packets of the MTU, checksums complete."""
    enter(chain("output", "tcp dport 7000 queue num 0"))
    ip("link set lo mtu 1500")
    for version, place in ((4, "127.0.0.1"), (6, "::1")):
        seen, handler = through(None, place, version)
        same((seen.longest, seen.gso, seen.open_checksums), (1500, 0, 0), "longest, GSO, open checksums")
        holds(handler.stats().segmented > 0, "some were taken apart")
        handler.close()


def local_whole() -> None:
    """Output hook, GSO asked for."""
    enter(chain("output", "tcp dport 7000 queue num 0"))
    ip("link set lo mtu 1500")
    for version, place in ((4, "127.0.0.1"), (6, "::1")):
        seen, handler = through(None, place, version, gso=True, frame_size=65536, frames=32)
        holds(seen.gso > 2 and seen.longest > 1500, f"whole ones: {seen.gso}, {seen.longest}")
        holds(seen.open_checksums > 2, "their checksums are open")
        holds(seen.together() == seen.stream, "the ring has what was sent")
        same(handler.stats().segmented, 0, "taken apart")
        handler.close()


def forwarded() -> None:
    """Forward hook of a router, both kinds of reader."""
    hosts = Hosts(chain("forward", "tcp dport 7000 queue num 0"))
    for version in (4, 6):
        seen, handler = through(hosts, address(2, version), version)
        same((seen.longest, seen.gso), (1500, 0), "longest, GSO")
        holds(handler.stats().segmented > 0, "some were taken apart")
        handler.close()
        seen, handler = through(hosts, address(2, version), version, gso=True, frame_size=65536, frames=32)
        holds(seen.gso > 2, f"whole ones: {seen.gso}")
        handler.close()


def bridged() -> None:
    """Forward and prerouting hooks of a bridge: each segment keeps its MAC header."""
    hosts = Hosts(bridged=True)
    for hook in ("forward", "prerouting", "postrouting"):
        nft(chain(hook, "ether type ip tcp dport 7000 queue num 0", family="bridge"))
        for options in ({"gso": True, "frame_size": 65536, "frames": 32}, {}):
            seen, handler = through(hosts, address(2, bridged=True), **options)
            holds(handler.stats().segmented or seen.gso > 2, "large packets")
            handler.close()
        nft(f"delete table bridge t{hook}")


def little_room() -> None:
    """A ring that holds fewer frames than a large packet has segments: what finds no room, by default."""
    enter(chain("output", "udp dport 7000 queue num 0"))
    for action, accepted, dropped in (("accept", 12, 0), ("drop", 0, 12)):
        flow, handler = Flow(), Handler(frames=8, default_action=action)
        segment = (socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", 100))
        flow.sender.sendmsg([bytes(2000)], [segment])
        found = handler.stats()
        same(
            (found.segmented, found.queued, found.default_accepted, found.default_dropped),
            (1, 8, accepted, dropped),
            "large packets, segments queued, and by default accepted and dropped",
        )
        handler.answer_all()
        same([len(data) for data in flow.contents()], [100] * (8 + accepted), "what arrived")
        flow.close()
        handler.close()


def connections() -> None:
    """With connection tracking, whose entry the segments of an unconfirmed one would share."""
    enter(chain("output", "ct state new,established tcp dport 7000 queue num 0"))
    ip("link set lo mtu 1500")
    seen, handler = through(None, "127.0.0.1")
    same(seen.longest, 1500, "longest")
    handler.close()
