# SPDX-License-Identifier: MIT
"""Handlers decide alike in batches, one by one, and for a flow's later packets."""

from __future__ import annotations

import pytest
from fastqueue import Queue, RingOptions, abi
from fastqueue.handlers import Drop, FiveTuple, Handler, Null, Payload
from fastqueue.packet import parse
from fastqueue.room import frame_size
from fastqueue.rules.fivetuple import parse_rule as parse_fivetuple
from fastqueue.rules.parser import parse_lines, split_lines
from fastqueue.rules.payload import parse_rule as parse_payload
from fastqueue.rules.tuple_space import TupleSpace
from hypothesis import given
from hypothesis import strategies as st

from ..fake_kernel import FakeKernel, WouldSleepError
from ..packets import ipv4, ipv6, options_header, tcp, udp

RULES = b"""\
drop proto udp dport 5001
accept src 198.18.0.2 dport 80
drop src 2001:2:0:1::/64 proto tcp
drop proto icmp
default accept
"""
PACKETS = [
    ipv4(udp(dport=5001)),
    ipv4(udp(dport=5002)),
    ipv6(udp(dport=5001)),
    ipv6(tcp(), following=6),
    ipv4(tcp(b"GET /secret"), protocol=6),
    ipv4(bytes(8), protocol=1),
    ipv4(udp(dport=5001), options=bytes(8)),
    ipv4(udp(dport=5001), fragment=0x0020),
    ipv6(options_header(17) + udp(dport=5001), following=0),
    b"\x00\x01 not IP",
    b"",
    ipv4(udp(dport=5001))[:22],
]
DROPPED = [True, False, True, True, False, True, True, False, True, False, False, False]


def fivetuple(limit: int = 100) -> FiveTuple:
    return FiveTuple(parse_lines(split_lines("f", RULES), parse_fivetuple), limit)


def payload(text: bytes) -> Payload:
    return Payload(parse_lines(split_lines("f", text), parse_payload))


def verdicts(handler: Handler, packets: list[bytes], *, one_by_one: bool) -> list[bool]:
    """Send packets through a handler; return for each whether it was dropped."""
    request = RingOptions(0, frames=16, frame_size=frame_size(max(128, getattr(handler, "needs", 0))))
    kernel = FakeKernel(request, start=10)
    queue = Queue(request, backend=kernel)
    for packet in packets:
        assert kernel.receive(packet)
    with pytest.raises(WouldSleepError):
        if one_by_one:
            for frame in queue:
                handler.frame(frame)
        else:
            handler.serve(queue)
    assert [each.name for each in kernel.settled] == list(range(len(packets)))
    return [each.verdict == abi.DROP for each in kernel.settled]


@pytest.mark.parametrize("one_by_one", [False, True])
def test_constant_handlers(one_by_one: bool) -> None:
    assert verdicts(Null(), PACKETS, one_by_one=one_by_one) == [False] * len(PACKETS)
    assert verdicts(Drop(), PACKETS, one_by_one=one_by_one) == [True] * len(PACKETS)


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("limit", [1, 100])
def test_fivetuple_decides_by_rules_the_first_and_the_third_time(one_by_one: bool, limit: int) -> None:
    handler = fivetuple(limit)
    for _ in range(3):
        assert verdicts(handler, PACKETS, one_by_one=one_by_one) == DROPPED


def test_flows_are_found_again_and_bounded() -> None:
    handler = fivetuple(limit=4)
    packets = [memoryview(ipv4(udp(sport=port, dport=5001))) for port in range(1000, 1010)]
    for view in packets:
        assert handler.decide(view) == abi.ANSWER_DROP
        assert len(handler._flows) <= 4
    handler._rules = TupleSpace([])  # known flows do not ask the rules again
    assert handler.decide(packets[-1]) == abi.ANSWER_DROP
    assert handler.decide(packets[0]) == abi.ANSWER_ACCEPT


Changes = list[tuple[int, int]]  # place, new byte
CHANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)))


@given(st.lists(st.tuples(st.sampled_from(PACKETS), CHANGES), max_size=12))
def test_remembered_flows_never_differ_from_the_rules(mutations: list[tuple[bytes, Changes]]) -> None:
    handler = fivetuple()
    for packet, changes in mutations:
        data = bytearray(packet)
        for place, value in changes:
            if place < len(data):
                data[place] = value
        view = memoryview(data)
        expected = handler._by_rules(view)
        assert handler.decide(view) == expected
        assert handler.decide(view) == expected


@pytest.mark.parametrize("one_by_one", [False, True])
def test_payload_decides_by_contents(one_by_one: bool) -> None:
    handler = payload(b"drop /^GET .secret/ proto tcp port 80\naccept /^GET/\ndrop /./ port 5001")
    expected = [False] * len(PACKETS)
    expected[4] = True
    assert verdicts(handler, PACKETS, one_by_one=one_by_one) == expected


def test_packets_without_contents_get_the_default() -> None:
    handler = payload(b"drop //\ndefault accept")
    assert handler.decide(memoryview(ipv4(udp()))) == abi.ANSWER_ACCEPT
    assert handler.decide(memoryview(ipv4(udp(b"x")))) == abi.ANSWER_DROP


@given(st.binary(max_size=80))
def test_handlers_never_raise(data: bytes) -> None:
    view = memoryview(data)
    answers = {abi.ANSWER_ACCEPT, abi.ANSWER_DROP}
    assert fivetuple().decide(view) in answers
    assert payload(b"drop /a/").decide(view) in answers
    if parse(view) is None:
        assert fivetuple().decide(view) == abi.ANSWER_ACCEPT
