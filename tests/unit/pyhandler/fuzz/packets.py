# SPDX-License-Identifier: MIT
"""Packets: plain Python, the C extension and the rules one by one agree, and so does scapy."""

from __future__ import annotations

from functools import cache

from fastqueue import abi, backend
from fastqueue.flows import Decide
from fastqueue.handlers import FiveTuple, Payload
from fastqueue.packet import NO_PORT, length, parse
from fastqueue.rules.fivetuple import parse_rule as parse_fivetuple
from fastqueue.rules.parser import parse_lines, split_lines
from fastqueue.rules.payload import parse_rule as parse_payload
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.ipsec import AH
from scapy.packet import Packet as ScapyPacket
from scapy.packet import Raw

from tests.fuzzing.choice import Choice

_FIVETUPLE = b"""\
drop proto udp dport 5000-40000
accept src 198.18.0.2 dport 80
drop src 2001:2:0:1::/64 proto tcp
drop proto icmp
drop sport 0
drop src ::/1
accept dst 198.0.0.0/8 proto udp
drop dst 0.0.0.0/1
default accept
"""
_PAYLOAD = b"""\
drop /^GET .secret/ proto tcp port 80
accept /^GET/ first 3
drop /worm[a-z]*x.*y/
drop /\\x00\\x00/ proto udp first 8
drop /./ proto icmpv6
default accept
""" + b"".join(b"drop /needle-%d-in/\n" % number for number in range(20))
_RULES = parse_lines(split_lines("f", _FIVETUPLE), parse_fivetuple)
_CONTENTS_RULES = parse_lines(split_lines("f", _PAYLOAD), parse_payload)


@cache
def _handlers(limit: int) -> tuple[FiveTuple, FiveTuple, Payload]:
    """Return handlers that remember flows: in Python, in C; and one on contents."""
    before = backend.current
    found = []
    try:
        for each in (backend.PLAIN, backend.accelerated()):
            backend.current = each
            found.append(FiveTuple(_RULES, limit))
    finally:
        backend.current = before
    return found[0], found[1], Payload(_CONTENTS_RULES)


def packet(data: bytes) -> None:
    """Decide about a packet with the tables as earlier packets left them."""
    view = memoryview(data)
    parsed = parse(view)
    expected = _rule_by_rule(view)
    for limit in (2, 1000):
        plain, in_c, _ = _handlers(limit)
        for handler in (plain, in_c):
            assert _twice(handler.decide, view) == (expected, expected), data.hex()
    assert _handlers(2)[2].decide(view) == _contents_rule_by_rule(view), data.hex()
    if parsed is not None:
        assert parsed.contents <= len(view)
        assert (parsed.sport == NO_PORT) == (parsed.dport == NO_PORT)
        assert length(view) >= 0


def _twice(decide: Decide, view: memoryview) -> tuple[int, int]:
    return decide(view), decide(view)


def _rule_by_rule(view: memoryview) -> int:
    parsed = parse(view)
    rules = _RULES
    matching = (rule.answer for rule in rules.rules if parsed is not None and rule.matches(parsed))
    return next(matching, rules.default)


def _contents_rule_by_rule(view: memoryview) -> int:
    parsed = parse(view)
    if parsed is None or parsed.contents == len(view):
        return abi.ANSWER_ACCEPT
    if parsed.contents > 128 and not parsed.later_fragment and len(view) < length(view):
        return abi.ANSWER_ACCEPT  # cut short
    contents = view[parsed.contents :]
    rules = _CONTENTS_RULES
    matching = (rule.answer for rule in rules.rules if rule.matches(parsed, contents))
    return next(matching, rules.default)


def five_tuple(data: bytes) -> None:
    """Build a packet with scapy and compare what it and the parser say about it."""
    choice = Choice(data)
    built, transport, later = (_ipv4 if choice.byte() & 1 else _ipv6)(choice)
    raw = bytes(built)
    found = parse(memoryview(raw))
    again = built.__class__(raw)
    assert found is not None
    assert (found.version, found.src, found.dst) == (again.version, *_addresses(raw)), raw.hex()
    assert found.later_fragment is later
    assert length(memoryview(raw)) == len(raw)
    if later:
        assert (found.sport, found.dport, found.contents) == (NO_PORT, NO_PORT, len(raw))
        return
    contents = bytes(transport.payload)
    assert raw[found.contents :] == contents, raw.hex()
    if isinstance(transport, (TCP, UDP)):
        assert (found.sport, found.dport) == (transport.sport, transport.dport), raw.hex()
        assert found.protocol == (6 if isinstance(transport, TCP) else 17)
    else:
        assert found.sport == NO_PORT


def _addresses(raw: bytes) -> tuple[bytes, bytes]:
    if raw[0] >> 4 == 4:
        return raw[12:16], raw[16:20]
    return raw[8:24], raw[24:40]


def _transport(choice: Choice) -> ScapyPacket:
    sport, dport = choice.number(0, 65535), choice.number(0, 65535)
    options = [("NOP", None)] * choice.of((0, 4, 8, 40))
    kinds = (UDP(sport=sport, dport=dport), TCP(sport=sport, dport=dport, options=options), ICMP())
    return choice.of(kinds) / Raw(choice.some(40))


def _ipv4(choice: Choice) -> tuple[ScapyPacket, ScapyPacket, bool]:
    offset = choice.of((0, 0, 0, 1, 8191))
    transport = _transport(choice)
    head = IP(
        src=".".join(str(choice.byte()) for _ in range(4)),
        dst=".".join(str(choice.byte()) for _ in range(4)),
        options=[b"\x01" * 4 * choice.number(0, 10)] if choice.byte() & 1 else [],
        frag=offset,
        flags=choice.number(0, 7),
        tos=choice.byte(),
        ttl=choice.byte(),
    )
    return head / transport, transport, offset > 0


def _ipv6(choice: Choice) -> tuple[ScapyPacket, ScapyPacket, bool]:
    transport = _transport(choice)
    if isinstance(transport, ICMP):
        transport = UDP(sport=1, dport=2) / Raw(b"x")
    layers: list[ScapyPacket] = [
        IPv6(src=f"2001:2::{choice.byte():x}", dst=f"2001:2:{choice.byte():x}::1", tc=choice.byte())
    ]
    later = False
    for _ in range(choice.number(0, 3)):
        header, later = _extension(choice)
        layers.append(header)
        if later:
            break
    for layer, following in zip(layers, [*layers[1:], transport], strict=True):
        layer.nh = _NUMBERS[type(following)]  # scapy does not know it behind an authentication header
    packet: ScapyPacket = layers[0]
    for layer in (*layers[1:], transport):
        packet /= layer
    return packet, transport, later


_NUMBERS: dict[type[ScapyPacket], int] = {
    IPv6ExtHdrHopByHop: 0,
    TCP: 6,
    UDP: 17,
    IPv6ExtHdrRouting: 43,
    IPv6ExtHdrFragment: 44,
    AH: 51,
    IPv6ExtHdrDestOpt: 60,
}


def _extension(choice: Choice) -> tuple[ScapyPacket, bool]:
    offset = choice.of((0, 0, 1, 8191))
    kinds = (
        IPv6ExtHdrHopByHop(options=[]),
        IPv6ExtHdrDestOpt(options=[]),
        IPv6ExtHdrRouting(addresses=["2001:2::7"] * choice.number(0, 3)),
        AH(payloadlen=4, icv=bytes(12), spi=1, seq=1),
        IPv6ExtHdrFragment(offset=offset, m=choice.number(0, 1), id=7),
    )
    header = choice.of(kinds)
    return header, isinstance(header, IPv6ExtHdrFragment) and offset > 0
