# SPDX-License-Identifier: MIT
"""What sockets of the router get of a packet that is for it: worked out anew, from the bytes."""

from __future__ import annotations

from exchanges import Exchange, Left
from scenarios import ADDRESSES, CONNECTED, DELIVERED, PORTS
from wire_format import UDP, Layout, layout, packed, valid_checksum


def delivered(found: Exchange) -> Left:
    """Return all that a raw socket, and one of UDP, may get of the handler's answer."""
    data = found.written
    at = layout(data)
    if at is None or at.protocol not in DELIVERED[at.version]:
        return ()
    whole = data if at.version == 4 else data[at.transport :]
    raw = ((f"raw{at.version} {at.protocol}", whole),)
    return raw + _datagram(data, at) if at.protocol == UDP else raw


def _datagram(data: bytes, at: Layout) -> Left:
    source, destination = (data[12:16], data[16:20]) if at.version == 4 else (data[8:24], data[24:40])
    router, host = (packed(ADDRESSES[at.version][number]) for number in (1, 0))
    ports = (
        int.from_bytes(data[at.transport + number : at.transport + number + 2], "big") for number in (0, 2)
    )
    length = int.from_bytes(data[at.transport + 4 : at.transport + 6], "big")
    if destination != router or length < 8 or at.transport + length > len(data) or not valid_checksum(data):
        return ()
    from_port, to_port = ports
    contents = data[at.transport + 8 : at.transport + length]
    if (source, from_port, to_port) == (host, *CONNECTED):
        return ((f"connected{at.version}", contents),)
    return ((f"udp{at.version}", contents),) if to_port == PORTS[1] else ()
