# SPDX-License-Identifier: MIT
"""Packets as bytes: build them, find their headers, and repair lengths and checksums."""

import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple

ICMP, TCP, UDP, GRE, ESP, ICMPV6, SCTP, EXPERIMENT = 1, 6, 17, 47, 50, 58, 132, 253
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
#: Extension headers that layout() walks over.
EXTENSIONS = (HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION)
MORE_FRAGMENTS = 0x2000

_CHECKSUM_AT = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}
_IPV4_HEADER, _IPV6_HEADER = 20, 40


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071), complemented."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address: str) -> bytes:
    """Return an address as bytes."""
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    """Return the pseudo header of either IP version."""
    if len(source) == 4:
        return source + destination + struct.pack("!BBH", 0, protocol, length)
    return source + destination + struct.pack("!II", length, protocol)


def ipv4(
    source: str,
    destination: str,
    protocol: int,
    contents: bytes,
    *,
    options: bytes = b"",
    identification: int = 1,
    fragment: int = 0,
    ttl: int = 64,
) -> bytes:
    """Build an IPv4 packet; ``fragment`` holds flags and offset, ``options`` whole words."""
    words = 5 + len(options) // 4
    total = words * 4 + len(contents)
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, total, identification, fragment, ttl, protocol, 0)
    head += packed(source) + packed(destination) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + contents


def ipv6(source: str, destination: str, next_header: int, contents: bytes) -> bytes:
    """Build an IPv6 packet."""
    head = struct.pack("!IHBB", 0x60000000, len(contents), next_header, 64)
    return head + packed(source) + packed(destination) + contents


def chain(headers: Iterable[tuple[int, bytes]], protocol: int, contents: bytes) -> tuple[int, bytes]:
    """Put extension headers before ``contents``: return the first next header, and all bytes.

    Each of ``headers`` has its own number and its bytes, whose first is overwritten.
    """
    for number, data in reversed(list(headers)):
        contents = bytes([protocol]) + data[1:] + contents
        protocol = number
    return protocol, contents


def udp(source: str, destination: str, data: bytes, ports: tuple[int, int], surplus: bytes = b"") -> bytes:
    """Build a UDP datagram; ``surplus`` follows behind its length (RFC 9868's options area)."""
    head = struct.pack("!4H", *ports, 8 + len(data), 0)
    pseudo = pseudo_header(packed(source), packed(destination), UDP, 8 + len(data))
    return head[:6] + struct.pack("!H", checksum(pseudo + head + data) or 0xFFFF) + data + surplus


def with_checksum(source: str, destination: str, protocol: int, segment: bytes) -> bytes:
    """Complete the checksum of a TCP, ICMP or ICMPv6 message whose field is zero."""
    at = _CHECKSUM_AT[protocol]
    pseudo = (
        b""
        if protocol == ICMP
        else pseudo_header(packed(source), packed(destination), protocol, len(segment))
    )
    return segment[:at] + struct.pack("!H", checksum(pseudo + segment)) + segment[at + 2 :]


class Layout(NamedTuple):
    """Where the headers of a valid IP packet are, in bytes from its beginning."""

    version: int
    transport: int  # of the transport header
    protocol: int  # of the transport, behind IPv6's extension headers
    protocol_at: int  # of the byte that has this number
    end: int  # of the packet by its own length, at most that of the buffer
    extensions: tuple[tuple[int, int], ...]  # IPv6: number and offset of each
    fragment: bool  # one of several: not an atomic fragment

    @property
    def checksum_at(self) -> int | None:
        """Offset of the transport's checksum, or None where there is none."""
        at = _CHECKSUM_AT.get(self.protocol)
        if at is None or self.fragment or self.transport + at + 2 > self.end:
            return None
        return self.transport + at


def layout(data: bytes) -> Layout | None:
    """Find the headers; None unless version and header length are those of an IP packet."""
    version = data[0] >> 4 if data else 0
    if version == 4 and len(data) >= _IPV4_HEADER:
        header = (data[0] & 15) * 4
        if _IPV4_HEADER <= header <= len(data):
            end = max(header, min(len(data), int.from_bytes(data[2:4], "big")))
            fragment = bool(int.from_bytes(data[6:8], "big") & 0x3FFF)
            return Layout(4, header, data[9], 9, end, (), fragment)
    if version == 6 and len(data) >= _IPV6_HEADER:
        return _layout6(data)
    return None


def _layout6(data: bytes) -> Layout:
    end = min(len(data), _IPV6_HEADER + int.from_bytes(data[4:6], "big"))
    protocol, protocol_at, at, fragment = data[6], 6, _IPV6_HEADER, False
    found = []
    while protocol in EXTENSIONS and at + 8 <= len(data):
        found.append((protocol, at))
        length = _extension_length(protocol, data[at + 1])
        if protocol == FRAGMENT:
            place = int.from_bytes(data[at + 2 : at + 4], "big")
            fragment = fragment or bool(place & 0xFFF9)
            if place & 0xFFF8:  # what follows is not a header
                protocol, protocol_at, at = data[at], at, at + length
                break
        protocol, protocol_at, at = data[at], at, at + length
    return Layout(
        6, min(at, len(data)), protocol, protocol_at, max(end, min(at, len(data))), tuple(found), fragment
    )


def _extension_length(number: int, field: int) -> int:
    if number == FRAGMENT:
        return 8
    return (field + 2) * 4 if number == AUTHENTICATION else (field + 1) * 8


def repair_lengths(data: bytearray) -> None:
    """Set the IP length, and UDP's, from the buffer's."""
    found = layout(bytes(data))
    if found is None:
        return
    if found.version == 4:
        data[2:4] = struct.pack("!H", len(data))
    else:
        data[4:6] = struct.pack("!H", len(data) - _IPV6_HEADER)
    if found.protocol == UDP and not found.fragment and found.transport + 8 <= len(data):
        at = found.transport + 4
        data[at : at + 2] = struct.pack("!H", len(data) - found.transport)


def _transport_sum(data: bytes, found: Layout) -> int:
    """Return the checksum over the transport and its pseudo header, as the lengths say."""
    end = found.end
    if found.protocol == UDP:
        stated = int.from_bytes(data[found.transport + 4 : found.transport + 6], "big")
        end = min(end, found.transport + max(8, stated))
    segment = data[found.transport : end]
    addresses = (data[12:16], data[16:20]) if found.version == 4 else (data[8:24], data[24:40])
    pseudo = b"" if found.protocol == ICMP else pseudo_header(*addresses, found.protocol, len(segment))
    return checksum(pseudo + segment)


def valid_checksum(data: bytes) -> bool:
    """Say whether the transport's checksum is right, or there is none to check.

    As for a socket: to the end of the buffer, whatever the length of IP says.
    """
    found = layout(data)
    found = found._replace(end=len(data)) if found else None
    at = found.checksum_at if found else None
    if found is None or at is None:
        return True
    if found.protocol == UDP and found.version == 4 and data[at : at + 2] == bytes(2):
        return True
    return _transport_sum(data, found) == 0


def repair_checksums(data: bytearray) -> None:
    """Set the checksums of IPv4's header and of the transport over what the lengths say."""
    found = layout(bytes(data))
    if found is None:
        return
    if found.version == 4:
        data[10:12] = bytes(2)
        data[10:12] = struct.pack("!H", checksum(bytes(data[: found.transport])))
    at = found.checksum_at
    if at is None:
        return
    data[at : at + 2] = bytes(2)
    value = _transport_sum(bytes(data), found)
    data[at : at + 2] = struct.pack("!H", (value or 0xFFFF) if found.protocol == UDP else value)
