# SPDX-License-Identifier: MIT
"""Packets and changes made by hand: what users of NFQUEUE programs reported, each with its bytes."""

import struct
from collections.abc import Callable
from typing import NamedTuple

import wire_format as wire
from generator import Record
from scenarios import ADDRESSES, PORTS, Scenario

Change = Callable[[bytes], bytes | None]
_HELLO, _OTHER = b"hello" * 8, b"HELLO" * 8
_ETHERTYPES = {4: 0x0800, 6: 0x86DD}
_CUT = 1200  # bytes of contents in the first fragment


class Case(NamedTuple):
    """Packets that host a sends, and what the handler makes of each."""

    name: str
    scenario: Scenario
    record: Record
    change: Change
    spares_nfqueue: bool = False  # for Fast Queue alone: see alterations.py


def _case(name: str, scenario: Scenario, change: Change, *packets: bytes) -> Case:
    version = packets[0][0] >> 4
    record = Record(name, "wire", packets, _ETHERTYPES[version])
    return Case(f"{name}, {scenario.name}", scenario, record, change)


def _same(data: bytes) -> bytes:
    return data


def _addresses(scenario: Scenario, version: int) -> tuple[str, str]:
    found = ADDRESSES[version]
    return found[scenario.source], found[scenario.destination]


def _datagram(scenario: Scenario, version: int, data: bytes = _HELLO) -> bytes:
    return wire.udp(*_addresses(scenario, version), data, PORTS)


def _packet(scenario: Scenario, version: int, protocol: int, contents: bytes, options: bytes = b"") -> bytes:
    addresses = _addresses(scenario, version)
    if version == 4:
        return wire.ipv4(*addresses, protocol, contents, options=options)
    return wire.ipv6(*addresses, protocol, contents)


def _repaired(data: bytearray) -> bytes:
    wire.repair_checksums(data)
    return bytes(data)


# Short frames on a bridge: Ethernet's padding is no contents.
def _first_byte(data: bytes) -> bytes:
    """Other contents of a datagram of one byte; lengths are left."""
    return _repaired(bytearray(data[:28] + b"X" + data[29:]))


def _window(data: bytes) -> bytes:
    """Another window in a TCP header, as who shapes traffic sets it."""
    return _repaired(bytearray(data[:34] + b"\x10\0" + data[36:]))


def _padding() -> list[Case]:
    found = []
    for hook in ("prerouting", "input", "forward", "postrouting"):
        scenario = Scenario(0, hook)
        padded = _packet(scenario, 4, wire.UDP, _datagram(scenario, 4, b"x")) + bytes(17)
        head = struct.pack("!2H2IBB3H", *PORTS, 1000, 2000, 0x50, 0x10, 512, 0, 0)
        acknowledgement = wire.with_checksum(*_addresses(scenario, 4), wire.TCP, head)
        bare = _packet(scenario, 4, wire.TCP, acknowledgement) + bytes(6)
        found += [
            _case("padded datagram given back", scenario, _same, padded),
            _case("padded datagram changed", scenario, _first_byte, padded),
            _case("padded acknowledgement given back", scenario, _same, bare),
            _case("padded acknowledgement changed", scenario, _window, bare),
        ]
    return found


# Extension headers and options: left, added, removed; contents behind them changed.
_EXTENSIONS: dict[str, tuple[int, bytes]] = {
    "router alert": (wire.HOP_BY_HOP, bytes([0, 0, 5, 2, 0, 0, 1, 0])),
    "hop-by-hop padding": (wire.HOP_BY_HOP, bytes([0, 0, 1, 4, 0, 0, 0, 0])),
    "destination options": (wire.DESTINATION, bytes([0, 0, 0x1E, 4, 1, 2, 3, 4])),
    "atomic fragment": (wire.FRAGMENT, struct.pack("!BBHI", 0, 0, 0, 77)),
    "segment routing": (wire.ROUTING, struct.pack("!BBBBI", 0, 2, 4, 0, 0) + wire.packed("fd00:2::2")),
    "authentication": (wire.AUTHENTICATION, struct.pack("!BBHII", 0, 4, 0, 1, 1) + bytes(12)),
}
_OPTIONS = b"\x94\4\0\0"


def _contents(scenario: Scenario, version: int) -> Change:
    """Other contents of the same length, with their checksum."""
    before, after = _datagram(scenario, version), _datagram(scenario, version, _OTHER)
    return lambda data: data.replace(before, after)


def _with_extension(data: bytes, number: int, body: bytes) -> bytes:
    changed = bytearray(data)
    changed[40:40] = bytes([data[6]]) + body[1:]
    changed[6] = number
    wire.repair_lengths(changed)
    return bytes(changed)


def _without_extension(data: bytes) -> bytes:
    found = wire.layout(data)
    if found is None:
        return data
    changed = bytearray(data)
    changed[6] = found.protocol
    del changed[40 : found.transport]
    wire.repair_lengths(changed)
    return bytes(changed)


def _with_options(data: bytes, options: bytes) -> bytes:
    changed = bytearray(data)
    changed[20 : (data[0] & 15) * 4] = options
    changed[0] = 0x45 + len(options) // 4
    wire.repair_lengths(changed)
    return _repaired(changed)


def _headers() -> list[Case]:
    found = []
    for hook in ("prerouting", "forward", "postrouting"):
        for scenario in (Scenario(6, hook), Scenario(0, hook)):
            plain = _packet(scenario, 6, wire.UDP, _datagram(scenario, 6))
            for name, header in _EXTENSIONS.items():
                sent = _packet(scenario, 6, *wire.chain([header], wire.UDP, _datagram(scenario, 6)))
                found += [
                    _case(f"{name} given back", scenario, _same, sent),
                    _case(f"contents behind {name} changed", scenario, _contents(scenario, 6), sent),
                    _case(f"{name} removed", scenario, _without_extension, sent),
                    _case(f"{name} added", scenario,
                          lambda data, header=header: _with_extension(data, *header), plain),  # type: ignore[misc]
                ]  # fmt: skip
        for scenario in (Scenario(4, hook), Scenario(0, hook)):
            bare = _packet(scenario, 4, wire.UDP, _datagram(scenario, 4))
            optional = _packet(scenario, 4, wire.UDP, _datagram(scenario, 4), options=_OPTIONS)
            found += [
                _case("options given back", scenario, _same, optional),
                _case("options added", scenario, lambda data: _with_options(data, _OPTIONS), bare),
                _case("options removed", scenario, lambda data: _with_options(data, b""), optional),
                _case("other options", scenario, lambda data: _with_options(data, b"\1\1\1\0"), optional),
            ]
    return found


# Options that the stack would complete on the way: the handler's leave as they are.
_COMPLETED = {
    "record route": bytes([7, 11, 4]) + bytes(8) + b"\1",
    "time stamps": bytes([0x44, 12, 5, 0]) + bytes(8),
}


def _completed() -> list[Case]:
    scenario = Scenario(4, "forward")
    found = []
    for name, options in _COMPLETED.items():
        sent = _packet(scenario, 4, wire.UDP, _datagram(scenario, 4), options=options)
        for what, new in (
            ("removed", b""),
            ("replaced", b"\1" * len(options)),
            ("moved", b"\1\1\1\1" + options),
        ):
            case = _case(f"{name} {what}", scenario, lambda data, new=new: _with_options(data, new), sent)  # type: ignore[misc]
            found.append(case._replace(spares_nfqueue=True))
    return found


# Fragments, as they are or put together for conntrack.
def _fragments() -> list[Case]:
    found = []
    for version in (4, 6):
        for conntrack in (False, True):
            scenario = Scenario(version, "forward", conntrack)
            whole, other = (_datagram(scenario, version, data * 50) for data in (_HELLO, _OTHER))
            packets = [_fragment(scenario, version, whole, 0), _fragment(scenario, version, whole, _CUT)]
            found.append(_case("fragments changed", scenario, _replacing(whole, other), *packets))
            found.append(_case("fragments given back", scenario, _same, *packets))
    return found


def _fragment(scenario: Scenario, version: int, whole: bytes, start: int) -> bytes:
    addresses, piece = _addresses(scenario, version), whole[start : start + _CUT]
    more = start + _CUT < len(whole)
    if version == 4:
        flags = wire.MORE_FRAGMENTS if more else 0
        return wire.ipv4(*addresses, wire.UDP, piece, identification=9, fragment=flags | start // 8)
    return wire.ipv6(*addresses, wire.FRAGMENT, struct.pack("!BBHI", wire.UDP, 0, start | more, 9) + piece)


def _replacing(whole: bytes, other: bytes) -> Change:
    pairs = [(whole[at : at + _CUT], other[at : at + _CUT]) for at in range(0, len(whole), _CUT)]

    def change(data: bytes) -> bytes:
        for before, after in ((whole, other), *pairs):
            data = data.replace(before, after)
        return data

    return change


# Everything behind the IP header is other bytes; a fault injector's bit.
_KEY = 0xA5


def hidden(data: bytes) -> bytes:
    """Return bytes as an obfuscator sends them; twice returns them as they were."""
    return bytes(byte ^ _KEY for byte in data)


def _hiding(protocol: int) -> Change:
    return lambda data: _header_repaired(data[:9] + bytes([protocol]) + data[10:20] + hidden(data[20:]))


def _header_repaired(data: bytes) -> bytes:
    cleared = data[:10] + bytes(2) + data[12:20]
    return data[:10] + struct.pack("!H", wire.checksum(cleared)) + data[12:]


def _whole_contents() -> list[Case]:
    scenario = Scenario(4, "forward")
    head = struct.pack("!2H2IBB3H", *PORTS, 1, 2, 0x50, 0x18, 512, 0, 0)
    segment = wire.with_checksum(*_addresses(scenario, 4), wire.TCP, head + b"q" * 60)
    sent = {wire.UDP: _datagram(scenario, 4, b"q" * 60), wire.TCP: segment}
    pairs = ((17, 17), (17, 1), (17, 6), (17, 253), (6, 6), (6, 17))
    return [
        _case(f"all of protocol {old} hidden as {new}", scenario, _hiding(new),
              _packet(scenario, 4, old, sent[old]))
        for old, new in pairs
    ]  # fmt: skip


def _last_bit(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _bits() -> list[Case]:
    found = []
    for version in (4, 6):
        for hook in ("forward", "input", "output"):
            scenario = Scenario(version, hook)
            case = _case("a bit flipped, checksum left", scenario, _last_bit,
                         _packet(scenario, version, wire.UDP, _datagram(scenario, version)))  # fmt: skip
            way = "local" if hook == "output" else "wire"
            found.append(case._replace(record=case.record._replace(way=way)))
    return found


CASES = {
    case.name: case
    for case in (*_padding(), *_headers(), *_completed(), *_fragments(), *_whole_contents(), *_bits())
}
