# SPDX-License-Identifier: MIT
"""Tuple space search: the first rule that matches, as if the rules were looked at one by one."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import count
from unittest.mock import Mock

import pytest
from fastqueue import abi
from fastqueue.handlers import FiveTuple
from fastqueue.packet import NO_PORT, TCP, UDP, Packet
from fastqueue.rules import FiveTupleRule
from fastqueue.rules.budget import RULES_PER_LOOK
from fastqueue.rules.fivetuple import parse_rule
from fastqueue.rules.parser import Line, Ruleset
from fastqueue.rules.tuple_space import TupleSpace
from hypothesis import given
from hypothesis import strategies as st

from ..packets import ipv4, udp

ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.1.1", "192.168.0.1", "fd00::1", "fd00::2", "fd00:1::1"]
PREFIXES = [*ADDRESSES, "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "::/0", "fd00::/64"]
PORTS = ["1", "2", "1-2", "2-3", "0-65535", "53"]


def rule(text: str) -> FiveTupleRule:
    return parse_rule(Line("f", 1, text))


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    version = draw(st.sampled_from((".", ":")))
    fields = ["drop"]
    for name, values in (("proto", ("tcp", "udp", "any")), ("sport", PORTS), ("dport", PORTS)):
        if draw(st.booleans()):
            fields += [name, draw(st.sampled_from(values))]
    for name in ("src", "dst"):
        if draw(st.booleans()):
            fields += [name, draw(st.sampled_from([each for each in PREFIXES if version in each]))]
    return " ".join(fields)


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    version = draw(st.sampled_from((4, 6)))
    here = [ip_address(each).packed for each in ADDRESSES if ip_address(each).version == version]
    protocol = draw(st.sampled_from((TCP, UDP, 1)))
    ports = st.sampled_from((1, 2, 3, 53)) if protocol != 1 else st.just(NO_PORT)
    src, dst = (draw(st.sampled_from(here)) for _ in range(2))
    return Packet(version, protocol, src, dst, draw(ports), draw(ports), 40, False)


@given(st.lists(rule_texts(), max_size=14).map(lambda texts: [rule(text) for text in texts]), packets())
def test_the_same_rule_is_found_as_one_by_one(rules: list[FiveTupleRule], packet: Packet) -> None:
    wanted = next((each for each in rules if each.matches(packet)), None)
    found = TupleSpace(rules).find(packet, lambda: None)
    assert found is wanted


def test_one_of_many_rules_with_the_same_fields_is_found_at_once() -> None:
    rules = [rule(f"drop proto udp src 10.{n >> 8}.{n & 255}.0/24 dport 53") for n in range(60_000)]
    packet = Packet(4, UDP, bytes([10, 9, 8, 7]), bytes(4), 1, 53, 28, False)
    space, look = TupleSpace(rules), Mock()
    assert space.find(packet, look) is rules[9 * 256 + 8]
    assert look.call_count == 2  # at the table, and at the rule
    assert space.find(packet._replace(dport=54), look) is None
    assert look.call_count == 3


@pytest.mark.parametrize("looks", [2 * RULES_PER_LOOK - 1, 2 * RULES_PER_LOOK])
@pytest.mark.parametrize(
    "kind", ["drop sport 2-{} dport 600", "drop src 11.0.0.0/{} dst 12.0.0.0/{} dport 600"]
)
def test_a_flow_for_which_the_rules_take_too_long_gets_the_default_and_is_counted(
    monkeypatch: pytest.MonkeyPatch, kind: str, looks: int
) -> None:
    """Between two looks at the clock a second passes; the first one is the beginning."""
    ticks = count()
    monkeypatch.setattr("time.thread_time", lambda: float(next(ticks)))
    if "sport" in kind:  # one table, and all its rules
        rules = [rule(kind.format(3 + each)) for each in range(looks - 3)]
    else:  # a table each, without a rule for this packet
        rules = [rule(kind.format(32 - each % 25, 32 - each // 25)) for each in range(looks - 2)]
    rules.append(rule("drop dport 600"))
    handler = FiveTuple(Ruleset(rules, abi.ANSWER_ACCEPT), budget_s=0.5)
    view = memoryview(ipv4(udp(b"", sport=4000, dport=600)))
    answers = [handler.decide(view) for _ in range(2)]
    over = looks == 2 * RULES_PER_LOOK
    assert answers == [abi.ANSWER_ACCEPT if over else abi.ANSWER_DROP] * 2
    assert handler.over_budget == over
