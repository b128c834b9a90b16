# SPDX-License-Identifier: MIT
"""Packets to send through the target, and what must come out of it on the other side."""

from __future__ import annotations

import random
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from devkit.lab.topology import Side, Topology

KINDS = ("icmp4", "udp4", "tcp4", "icmp6", "udp6", "tcp6")
SIDES = ("client", "server")

#: Hosts that exist as addresses only: nothing answers them, so that a sniffer sees what a test sent.
QUIET_HOSTS = (77, 78)

#: Contents begin with this: a mark of the session, and the packet's number.
_MARK = secrets.token_bytes(6)
_NUMBER = struct.Struct("!I")
_ETHERNET = 14


@dataclass(frozen=True)
class Frame:
    """A frame as it is sent by a host of ``source``, and as it must arrive on the other side."""

    number: int
    source: str
    data: bytes
    expected: bytes

    @property
    def destination(self) -> str:
        """Return the side where it should arrive."""
        return SIDES[1 - SIDES.index(self.source)]


def other(side: str) -> str:
    """Return the other side."""
    return SIDES[1 - SIDES.index(side)]


def quiet_mac(side: Side) -> str:
    """Return the address that frames to quiet hosts of a side get; no interface has it."""
    return side.endpoint.mac[:-2] + "77"


def quiet_address(side: Side, version: int, host: int) -> str:
    """Return the address of a quiet host, 77 or 78, in the network of a side."""
    own = side.endpoint.address4 if version == 4 else side.endpoint.address6
    separator = "." if version == 4 else ":"
    return f"{own.rpartition(separator)[0]}{separator}{host}"


def number_of(data: bytes) -> int | None:
    """Return the number of a frame of this session; None for all others."""
    where = data.find(_MARK, _ETHERNET)
    if where < 0 or len(data) < where + len(_MARK) + _NUMBER.size:
        return None
    return int(_NUMBER.unpack_from(data, where + len(_MARK))[0])


class Crafter:
    """Makes numbered frames; no two have the same number."""

    def __init__(self, topology: Topology) -> None:
        self._sides = {side.name: side for side in topology.sides}
        self._next = 0
        self._random = random.Random(77)

    def frame(
        self,
        kind: str,
        source: str = "client",
        *,
        port: int = 7001,
        host: int = QUIET_HOSTS[0],
        contents: bytes = b"",
        size: int = 0,
    ) -> Frame:
        """Return a frame from a quiet host to quiet host ``host`` of the other side.

        ``size``: bytes from the IP header on, random ones behind ``contents`` up to there; the least
        there can be is headers, mark and contents.
        """
        self._next += 1
        body = _MARK + _NUMBER.pack(self._next) + contents
        here, there = self._sides[source], self._sides[other(source)]
        headers = self._headers(kind, here, there, port, host)
        body += self._random.randbytes(max(0, size - len(headers) - len(body)))
        data = bytes(Ether(src=quiet_mac(here), dst=here.target.mac) / headers / body)
        return Frame(self._next, source, data, forwarded(data, there.target.mac, quiet_mac(there)))

    def each_kind(self, **options: object) -> Iterator[Frame]:
        """Return a frame of every kind in both directions."""
        for source in SIDES:
            for kind in KINDS:
                yield self.frame(kind, source, **options)  # type: ignore[arg-type]

    def numbered(self, count: int, kind: str = "udp4", source: str = "client") -> list[Frame]:
        """Return ``count`` frames of one flow."""
        return [self.frame(kind, source) for _ in range(count)]

    def _headers(self, kind: str, here: Side, there: Side, port: int, host: int) -> Packet:
        version = int(kind[-1])
        src = quiet_address(here, version, QUIET_HOSTS[0])
        dst = quiet_address(there, version, host)
        network: Packet = IP(src=src, dst=dst) if version == 4 else IPv6(src=src, dst=dst)
        return network / _transport(kind, port)


def _transport(kind: str, port: int) -> Packet:
    match kind:
        case "icmp4":
            return ICMP(id=port)
        case "icmp6":
            return ICMPv6EchoRequest(id=port)
        case "udp4" | "udp6":
            return UDP(sport=40000, dport=port)
        case _:
            return TCP(sport=40000, dport=port, flags="PA", seq=1000)


def forwarded(data: bytes, source_mac: str, destination_mac: str) -> bytes:
    """Return what a router makes of a frame: other MAC addresses, one hop less, nothing else."""
    macs = bytes.fromhex((destination_mac + source_mac).replace(":", ""))
    packet = bytearray(data[_ETHERNET:])
    if packet[0] >> 4 == 4:
        packet[8] -= 1
        length = (packet[0] & 0x0F) * 4
        packet[10:12] = bytes(2)
        packet[10:12] = _checksum(packet[:length])
    else:
        packet[7] -= 1
    return macs + data[12:_ETHERNET] + bytes(packet)


def _checksum(header: bytes | bytearray) -> bytes:
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


def without_padding(data: bytes) -> bytes:
    """Return a frame without what a network card adds to short ones; it must be zeroes."""
    version = data[_ETHERNET] >> 4
    if version == 4:
        length = int.from_bytes(data[_ETHERNET + 2 : _ETHERNET + 4], "big")
    else:
        length = 40 + int.from_bytes(data[_ETHERNET + 4 : _ETHERNET + 6], "big")
    end = _ETHERNET + length
    assert not any(data[end:]), f"padding that is not zero: {data[end:].hex()}"
    return data[:end]
