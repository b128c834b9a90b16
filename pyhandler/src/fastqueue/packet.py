# SPDX-License-Identifier: MIT
"""Look into packets without copying them: addresses, protocol, ports, and where the contents begin.

Never raises, whatever the bytes: what a packet is too short for is left open.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMPV6: Final = 58
PROTOCOLS: Final = {"icmp": ICMP, "tcp": TCP, "udp": UDP, "icmpv6": ICMPV6}

# IPv6 extension headers, by how their length is written.
_OPTIONS = frozenset((0, 43, 60, 135, 139, 140))  # in 8 bytes, the first not counted
_FRAGMENT = 44
_AUTHENTICATION = 51  # in 4 bytes, the first two not counted

_IPV4 = Struct("!B5xHxB2x4s4s")  # version and header length, fragment, protocol, addresses
_IPV6 = Struct("!6xBx16s16s")  # next header, addresses
_PORTS = Struct("!HH")
_LENGTH_V4 = Struct("!2xH")  # of the whole packet
_LENGTH_V6 = Struct("!4xH")  # of what follows the header
_FRAGMENT_FIELDS = Struct("!BxH")
_OFFSET_V4 = 0x1FFF
_OFFSET_V6 = 0xFFF8

NO_PORT: Final = -1
MOST_BYTES: Final = 1 << 32


class Packet(NamedTuple):
    """A packet's five tuple, and what belongs to it.

    sport, dport: TCP and UDP ports; NO_PORT where there are none: other protocols,
                  later fragments, truncated headers
    contents:     bytes from the network header to the transport payload; the whole
                  length where that is not in the packet
    """

    version: int  # 4 or 6
    protocol: int  # of the transport layer
    src: bytes  # 4 or 16 bytes
    dst: bytes
    sport: int
    dport: int
    contents: int
    later_fragment: bool  # not the first: has no transport header


def parse(view: memoryview) -> Packet | None:
    """Parse an IPv4 or IPv6 packet from its network header on; None when it is neither or too short."""
    length = len(view)
    version = view[0] >> 4 if length else 0
    if version == 4 and length >= _IPV4.size:
        return _parse_ipv4(view)
    if version == 6 and length >= _IPV6.size:
        return _parse_ipv6(view)
    return None


def length(view: memoryview) -> int:
    """Return how long a packet that ``parse`` takes says it is, from its network header on.

    A length of 0 means more than its field has room for.
    """
    field = _LENGTH_V4 if view[0] >> 4 == 4 else _LENGTH_V6
    (found,) = field.unpack_from(view)
    if not found:
        return MOST_BYTES
    return int(found) + (0 if field is _LENGTH_V4 else _IPV6.size)


def _parse_ipv4(view: memoryview) -> Packet | None:
    first, fragment, protocol, src, dst = _IPV4.unpack_from(view)
    start = (first & 15) * 4
    if start < _IPV4.size:
        return None
    if fragment & _OFFSET_V4:
        return Packet(4, protocol, src, dst, NO_PORT, NO_PORT, len(view), True)
    return Packet(4, protocol, src, dst, *_transport(view, protocol, start), False)


def _parse_ipv6(view: memoryview) -> Packet:
    following, src, dst = _IPV6.unpack_from(view)
    protocol, start, later = _skip_extensions(view, following)
    if later:
        return Packet(6, protocol, src, dst, NO_PORT, NO_PORT, len(view), True)
    return Packet(6, protocol, src, dst, *_transport(view, protocol, start), False)


def _skip_extensions(view: memoryview, header: int) -> tuple[int, int, bool]:
    """Return the transport protocol, where its header begins, and whether this is a later fragment.

    A chain that the packet is too short for ends with the header that was to come next.
    """
    start = _IPV6.size
    length = len(view)
    while start + 8 <= length:
        if header in _OPTIONS:
            header, start = view[start], start + 8 * (view[start + 1] + 1)
        elif header == _FRAGMENT:
            header, offset = _FRAGMENT_FIELDS.unpack_from(view, start)
            if offset & _OFFSET_V6:
                return header, length, True
            start += 8
        elif header == _AUTHENTICATION:
            header, start = view[start], start + 4 * (view[start + 1] + 2)
        else:
            break
    return header, start, False


def _transport(view: memoryview, protocol: int, start: int) -> tuple[int, int, int]:
    """Return source port, destination port and the beginning of the contents."""
    length = len(view)
    if protocol in (TCP, UDP) and start + _PORTS.size <= length:
        sport, dport = _PORTS.unpack_from(view, start)
        header = 8 if protocol == UDP else _tcp_header(view, start)
        return sport, dport, min(start + header, length)
    header = 8 if protocol in (ICMP, ICMPV6) else 0
    return NO_PORT, NO_PORT, min(start + header, length)


def _tcp_header(view: memoryview, start: int) -> int:
    """Return the length of a TCP header; a truncated one has no contents behind it."""
    if start + 13 > len(view):
        return len(view)
    return max(20, (view[start + 12] >> 4) * 4)
