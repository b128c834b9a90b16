# SPDX-License-Identifier: MIT
"""Packets for tests, put together from their fields."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from struct import pack


def ipv4(
    contents: bytes = b"",
    *,
    protocol: int = 17,
    src: str = "198.18.0.2",
    dst: str = "198.19.0.2",
    options: bytes = b"",
    fragment: int = 0,
) -> bytes:
    """Return an IPv4 packet; ``fragment`` is the whole field: flags and offset."""
    words = 5 + len(options) // 4
    addresses = IPv4Address(src).packed + IPv4Address(dst).packed
    length = words * 4 + len(contents)
    head = pack("!BBHHHBBH", 0x40 | words, 0, length, 0, fragment, 64, protocol, 0)
    return head + addresses + options + contents


def ipv6(
    contents: bytes = b"", *, following: int = 17, src: str = "2001:2:0:1::2", dst: str = "2001:2:0:2::2"
) -> bytes:
    """Return an IPv6 packet whose contents begin with header ``following``."""
    head = pack("!IHBB", 6 << 28, len(contents), following, 64)
    return head + IPv6Address(src).packed + IPv6Address(dst).packed + contents


def udp(payload: bytes = b"", sport: int = 4000, dport: int = 53) -> bytes:
    """Return a UDP datagram."""
    return pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def tcp(payload: bytes = b"", sport: int = 4000, dport: int = 80, options: bytes = b"") -> bytes:
    """Return a TCP segment."""
    offset = (5 + len(options) // 4) << 4
    return pack("!HHIIBBHHH", sport, dport, 1, 0, offset, 0x18, 1024, 0, 0) + options + payload


def options_header(following: int, length: int = 8) -> bytes:
    """Return a hop-by-hop or destination options header of ``length`` bytes."""
    return pack("!BB", following, length // 8 - 1) + bytes(length - 2)


def fragment_header(following: int, offset: int, more: bool) -> bytes:
    """Return a fragment header; ``offset`` in bytes."""
    return pack("!BBHI", following, 0, offset | more, 1)


def authentication_header(following: int) -> bytes:
    """Return an authentication header of 24 bytes."""
    return pack("!BB", following, 4) + bytes(22)
