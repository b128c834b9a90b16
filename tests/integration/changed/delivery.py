# SPDX-License-Identifier: MIT
"""What arrives of a handler's answer on the wire or at sockets of the router, worked out from its bytes."""

from __future__ import annotations

from collections.abc import Iterable

from exchanges import Exchange, Left
from scenarios import ADDRESSES, CONNECTED, DELIVERED, PORTS
from wire_format import FRAGMENT, UDP, Layout, layout, packed, valid_checksum


def on_the_wire(found: Exchange) -> bytes:
    """Return the answer as host b gets it: the router counts a hop after PRE_ROUTING."""
    packet = found.written
    if found.scenario.bridged or found.scenario.hook != "prerouting":
        return packet
    if packet[0] >> 4 == 6:
        return packet[:7] + bytes([packet[7] - 1]) + packet[8:]
    total = int.from_bytes(packet[10:12], "big") + 0x100
    return packet[:8] + bytes([packet[8] - 1, packet[9], *(total % 0xFFFF).to_bytes(2, "big")]) + packet[12:]


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


def is_of_fragment(found: Exchange, at: Layout) -> bool:
    """Say whether what was delivered has the contents of this fragment, the last one, in it."""
    if not found.left:
        return True
    (_, whole), *others = found.left
    return found.written[at.transport :] in whole and all(data in whole for _, data in others)


def joined(packets: Iterable[bytes]) -> bytes:
    """Put the contents of fragments together."""
    pieces = {}
    for packet in packets:
        at = layout(packet)
        if at is None:
            return b""
        headers = [place for number, place in at.extensions if number == FRAGMENT]
        if at.version == 4:
            place = (int.from_bytes(packet[6:8], "big") & 0x1FFF) * 8
        else:
            place = int.from_bytes(packet[headers[0] + 2 : headers[0] + 4], "big") & 0xFFF8 if headers else 0
        pieces[place] = packet[at.transport :]
    return b"".join(pieces[place] for place in sorted(pieces))
