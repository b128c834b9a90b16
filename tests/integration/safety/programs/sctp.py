# SPDX-License-Identifier: MIT
"""SCTP, whose checksum is a CRC of its own and whose large packets are lists of whole ones."""

import contextlib
import socket
import subprocess
import time

from checks import holds, same
from fastqueue import abi
from fastqueue.meta import Meta
from lane import Handler, chain, conserved, enter, ip
from nets import Hosts, address

_POLYNOMIAL = 0x82F63B78
_QUEUED = "meta l4proto sctp queue num 0"


def _table() -> list[int]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)  # noqa: PLW2901
        found.append(value)
    return found


_TABLE = _table()


def _crc(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


class _Watched:
    """A handler that accepts all, and looks at what it accepts."""

    def __init__(self, **options: int) -> None:
        self.handler = Handler(frames=256, frame_size=2048, **options)
        self.longest = 0
        self.ready = 0  # packets with a complete checksum

    def turn(self) -> None:
        """Check lengths and checksums of all that waits, then let it go."""
        ring = self.handler.device.ring
        for count in range(self.handler.fp, self.handler.fa):
            meta = Meta.read(ring.meta, count & ring.mask)
            self.longest = max(self.longest, meta.length)
            packet = bytes(self.handler.payload(count)[: meta.length])
            crc = _crc(packet[20:28] + bytes(4) + packet[32:]) if meta.checksum_ready else 0
            same(crc, int.from_bytes(packet[28:32], "little"), "CRC")
            self.ready += meta.checksum_ready
            self.handler.put(count, abi.ANSWER_ACCEPT)
        self.handler.settle()


def _socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)


def _transfer(server: socket.socket, client: socket.socket, place: str, watched: _Watched, size: int) -> None:
    """Send messages of ``size`` bytes; what arrives is what was sent."""
    server.bind((place, 7000))
    server.listen()
    client.setblocking(False)
    server.setblocking(False)
    client.connect_ex((place, 7000))
    wanted = b"".join(bytes([number]) * size for number in range(40))
    got, sent, peer = b"", 0, None
    until = time.monotonic() + 40
    while len(got) < len(wanted):
        holds(time.monotonic() < until, f"{len(got)} bytes of {len(wanted)}")
        watched.turn()
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # full, or not connected yet
            peer = peer or server.accept()[0]
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            if peer and sent < len(wanted):
                sent += client.send(wanted[sent : sent + size])
        with contextlib.suppress(BlockingIOError):
            got += peer.recv(1 << 17, socket.MSG_DONTWAIT) if peer else b""
    same(got, wanted, "contents")


def _load() -> None:
    holds(not subprocess.run(["modprobe", "sctp"], check=False).returncode, "the kernel has SCTP")


def forwarded() -> None:
    """Through a router, in packets and in lists; checksums are complete unless open ones are asked for."""
    _load()
    for size, gso in ((1200, 0), (1200, 1), (20_000, 0), (20_000, 1)):
        hosts = Hosts(chain("forward", _QUEUED))
        watched = _Watched(gso=gso)
        with hosts.inside("b"):
            server = _socket()
        with hosts.inside("a"):
            client = _socket()
        _transfer(server, client, address(2), watched, size)
        found = watched.handler.stats()
        conserved(found)
        holds(found.accepted > 4, f"packets passed: {found}")
        holds(gso or watched.ready == found.accepted, f"{watched.ready} complete checksums: {found}")
        holds(watched.longest <= 1500, f"longest: {watched.longest}")
        for each in (client, server):
            each.close()
        watched.handler.close()


def local_gso() -> None:
    """Output hook: lists of packets, as the stack makes them there, are taken apart for all readers."""
    _load()
    for gso in (0, 1):
        enter(chain("output", _QUEUED))
        ip("link set lo mtu 1500")
        watched, server, client = _Watched(gso=gso), _socket(), _socket()
        _transfer(server, client, "127.0.0.1", watched, 20_000)
        found = watched.handler.stats()
        conserved(found)
        holds(found.segmented > 0, f"lists were taken apart: {found}")
        holds(1000 < watched.longest <= 1500, f"longest: {watched.longest}")
        for each in (client, server):
            each.close()
        watched.handler.close()
