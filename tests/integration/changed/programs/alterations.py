# SPDX-License-Identifier: MIT
"""Changes that a handler makes to a packet, from a seed; each kind is a function of the bytes."""

import random
import struct
from collections.abc import Callable

import wire_format as wire
from generator import Record, random_extension, random_options
from scenarios import Scenario

_Alteration = Callable[[random.Random, bytearray], None]


def _same(_chance: random.Random, _data: bytearray) -> None:
    """Given back as it was."""


def _flip(chance: random.Random, data: bytearray) -> None:
    """Bits of the contents; checksums are left."""
    found = wire.layout(bytes(data))
    start = min(found.transport if found else 0, len(data) - 1)
    for _ in range(chance.randrange(1, 4)):
        data[chance.randrange(start, len(data))] ^= 1 << chance.randrange(8)


def _address(chance: random.Random, data: bytearray) -> None:
    """The last byte of an address, or both bytes of a port."""
    found = wire.layout(bytes(data))
    if found is None:
        return
    if chance.random() < 0.5 and found.transport + 4 <= len(data):
        at = found.transport + chance.choice((0, 2))
        data[at : at + 2] = struct.pack("!H", chance.choice((7000, 4000, 53, chance.getrandbits(16))))
    else:
        at = chance.choice((15, 19)) if found.version == 4 else chance.choice((23, 39))
        data[at] = chance.choice((1, 2, 3, 77))


def _hops(chance: random.Random, data: bytearray) -> None:
    """TTL or hop limit."""
    at = 8 if data[0] >> 4 == 4 else 7
    if len(data) > at:
        data[at] = chance.choice((1, 2, 65, 255))


def _service(chance: random.Random, data: bytearray) -> None:
    """TOS or traffic class."""
    if len(data) < 2:
        return
    if data[0] >> 4 == 4:
        data[1] = chance.getrandbits(8)
    else:
        data[0:2] = bytes([0x60 | chance.getrandbits(4), data[1] & 15 | chance.getrandbits(4) << 4])


def _set_options(data: bytearray, options: bytes) -> None:
    """Replace IPv4's options; the header's length follows."""
    header = (data[0] & 15) * 4
    data[20:header] = options
    data[0] = 0x40 | 5 + len(options) // 4


def _headers_added(chance: random.Random, data: bytearray) -> None:
    """IPv4 options before those that are there, or an IPv6 extension header."""
    found = wire.layout(bytes(data))
    if found is None:
        return
    if found.version == 4:
        there = bytes(data[20 : found.transport])
        _set_options(data, (random_options(chance) + there)[:40])
        return
    number, body = random_extension(chance)
    at, place = 40, 6
    if found.extensions and found.extensions[0][0] == wire.HOP_BY_HOP and chance.random() < 0.7:
        place, at = 40, 40 + (data[41] + 1) * 8
    data[at:at] = bytes([data[place]]) + body[1:]
    data[place] = number


def _headers_removed(chance: random.Random, data: bytearray) -> None:
    """All IPv4 options, or one or all IPv6 extension headers."""
    found = wire.layout(bytes(data))
    if found is None:
        return
    if found.version == 4:
        _set_options(data, b"")
    elif found.extensions:
        end = (
            found.extensions[1][1] if len(found.extensions) > 1 and chance.random() < 0.5 else found.transport
        )
        last = max(at for _, at in found.extensions if at < end)
        data[6] = data[last]
        del data[40:end]


def _headers_changed(chance: random.Random, data: bytearray) -> None:
    """Other IPv4 options of the same length, or other contents of an IPv6 extension header."""
    found = wire.layout(bytes(data))
    if found is None or found.transport <= (20 if found.version == 4 else 40):
        return
    if found.version == 4:
        room = found.transport - 20
        if chance.random() < 0.3:
            data[20 + chance.randrange(room)] ^= 1 << chance.randrange(8)
        else:
            data[20 : found.transport] = (random_options(chance) + b"\1" * 40)[:room]
        return
    _, at = chance.choice(found.extensions)
    if at + 3 < len(data):
        data[chance.randrange(at + 2, min(len(data), at + 8))] = chance.getrandbits(8)


def _longer(chance: random.Random, data: bytearray) -> None:
    """More contents at the end."""
    data += chance.randbytes(chance.choice((1, 2, 3, 8, 20, 300)))


def _much_longer(chance: random.Random, data: bytearray) -> None:
    """More than the link takes at once."""
    data += chance.randbytes(chance.randrange(1500, 3000))


def _shorter(chance: random.Random, data: bytearray) -> None:
    """Fewer contents."""
    found = wire.layout(bytes(data))
    start = found.transport if found else 1
    if start < len(data):
        del data[chance.randrange(max(1, start), len(data)) :]


def _xor(chance: random.Random, data: bytearray) -> None:
    """Everything behind the IP header."""
    found = wire.layout(bytes(data))
    start = 40 if data[0] >> 4 == 6 else found.transport if found else 20
    key = chance.randrange(1, 256)
    data[start:] = bytes(byte ^ key for byte in data[start:])


def _protocol(chance: random.Random, data: bytearray) -> None:
    """Another transport protocol."""
    found = wire.layout(bytes(data))
    if found is not None:
        data[found.protocol_at] = chance.choice((wire.UDP, wire.TCP, wire.ICMP, wire.SCTP, wire.EXPERIMENT))


def _cut(chance: random.Random, data: bytearray) -> None:
    """The end of the packet, within its headers."""
    del data[chance.randrange(1, min(len(data), 61) + 1) :]


def _garbage(chance: random.Random, data: bytearray) -> None:
    """Any bytes in its headers."""
    for _ in range(chance.randrange(1, 5)):
        data[chance.randrange(min(len(data), 60))] = chance.getrandbits(8)


def _lengths(chance: random.Random, data: bytearray) -> None:
    """A wrong length: of IP, of IPv4's header or of UDP."""
    found = wire.layout(bytes(data))
    if found is None:
        return
    choice = chance.randrange(3)
    if choice == 0 and found.version == 4:
        data[0] = 0x40 | chance.getrandbits(4)
        return
    at = 2 if found.version == 4 else 4
    if choice == 1 and found.protocol == wire.UDP and found.transport + 6 <= len(data):
        at = found.transport + 4
    value = int.from_bytes(data[at : at + 2], "big")
    wrong = chance.choice((0, 1, value - 1, value + 1, value + 8, len(data), chance.getrandbits(16)))
    data[at : at + 2] = struct.pack("!H", wrong & 0xFFFF)


def _checksums(chance: random.Random, data: bytearray) -> None:
    """A wrong checksum: of IPv4's header or of the transport."""
    found = wire.layout(bytes(data))
    at = None if found is None else found.checksum_at
    if found and found.version == 4 and (at is None or chance.random() < 0.4):
        at = 10
    if at is not None:
        data[at : at + 2] = chance.choice((b"\0\0", b"\xff\xff", chance.randbytes(2)))


def _fragment(chance: random.Random, data: bytearray) -> None:
    """The fields about fragments."""
    found = wire.layout(bytes(data))
    if found is None:
        return
    if found.version == 4:
        data[6:8] = struct.pack("!H", chance.choice((0, 0x4000, 0x2000, 0x2005, 3)))
        return
    for number, at in found.extensions:
        if number == wire.FRAGMENT and at + 4 <= len(data):
            data[at + 2 : at + 4] = struct.pack("!H", chance.choice((0, 1, 9, 24)))


_KINDS: dict[str, _Alteration] = {
    "same": _same,
    "bits": _flip,
    "address": _address,
    "hops": _hops,
    "service": _service,
    "headers added": _headers_added,
    "headers removed": _headers_removed,
    "headers changed": _headers_changed,
    "longer": _longer,
    "much longer": _much_longer,
    "shorter": _shorter,
    "xor": _xor,
    "protocol": _protocol,
    "cut": _cut,
    "garbage": _garbage,
    "lengths": _lengths,
    "checksums": _checksums,
    "fragment": _fragment,
}
#: Not from these: the packet belongs to a socket that a wrong protocol number would be given to.
_OF_A_SOCKET = ("same", "bits", "address", "hops", "service", "longer", "shorter", "checksums")
#: After which lengths and checksums are mostly repaired, as a careful handler does.
_CAREFUL = ("address", "hops", "service", "headers added", "headers removed", "headers changed", "longer",
            "much longer", "shorter", "fragment", "protocol")  # fmt: skip


def choose(seed: str, scenario: Scenario, record: Record, number: int) -> str:
    """Return what the handler does to the packets of a record: a kind, and a repair that may follow.

    "accept" is an answer without contents.
    """
    chance = random.Random(f"{seed} {scenario.name} {number} kind")
    if chance.random() < 0.04:
        return "accept"
    kind = chance.choice(_OF_A_SOCKET if record.connected else tuple(_KINDS))
    if kind in _CAREFUL and chance.random() < 0.8:
        return f"{kind}, repaired"
    if kind in ("bits", "xor", "garbage", "lengths") and chance.random() < 0.3:
        return f"{kind}, checksums repaired"
    return kind


def _is_comparable(scenario: Scenario, data: bytes, answer: bytes) -> bool:
    """Return whether both paths are meant to do the same with this answer.

    Fast Queue derives positions of changed IPv4 options again, nfnetlink_queue does not; handmade.py
    has such answers for Fast Queue alone.
    """
    if scenario.bridged or scenario.hook not in ("input", "forward") or data[0] >> 4 != 4:
        return True
    header = (data[0] & 15) * 4
    return header == 20 or (data[0], data[20:header]) == (answer[0], answer[20:header])


def alter(scenario: Scenario, name: str, kind: str, count: int, data: bytes) -> bytes | None:
    """Return the answer to packet ``count`` of the record ``name``; None accepts it without contents."""
    if kind == "accept":
        return None
    chance = random.Random(f"{name} {count}")
    changed = bytearray(data)
    change, _, repair = kind.partition(", ")
    _KINDS[change](chance, changed)
    if repair == "repaired":
        wire.repair_lengths(changed)
    if repair:
        wire.repair_checksums(changed)
    answer = bytes(changed)
    return answer if _is_comparable(scenario, data, answer) else data
