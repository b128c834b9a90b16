# SPDX-License-Identifier: MIT
"""Verdicts are remembered for the packet that the rules saw, although its slot may change while they look."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from fastqueue import Queue, RingOptions, abi, backend
from fastqueue.handlers import FiveTuple, Payload
from fastqueue.rules.fivetuple import parse_rule as parse_fivetuple
from fastqueue.rules.parser import parse_lines, split_lines
from fastqueue.rules.payload import parse_rule as parse_payload
from hypothesis import given
from hypothesis import strategies as st

from .fake_kernel import FakeKernel
from .packets import ipv4, ipv6, options_header, tcp, udp

REQUEST = RingOptions(0, frames=8, frame_size=128)
RULES = b"drop proto udp dport 5001\ndrop proto tcp sport 7 dst ::/0\ndefault accept"
PACKETS = [
    ipv4(udp(dport=5001)),
    ipv4(udp(dport=5002)),
    ipv4(tcp(sport=7), protocol=6),
    ipv4(udp(dport=5001), fragment=0x0020),
    ipv4(udp(dport=5001), options=bytes(8)),
    ipv4(bytes(8), protocol=1),
    ipv6(udp(dport=5001)),
    ipv6(tcp(sport=7), following=6),
    ipv6(tcp(sport=8), following=6),
    ipv6(options_header(17) + udp(dport=5001), following=0),
    bytes(64),
]
PAIRS = [(first, second) for first in PACKETS for second in PACKETS if first != second]


class Stalled(FiveTuple):
    """Rules that do something the first time before they look, as slow ones let the kernel do."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(parse_lines(split_lines("f", RULES), parse_fivetuple))
        self._meanwhile = [meanwhile]

    def _by_rules(self, view: memoryview) -> int:
        while self._meanwhile:
            self._meanwhile.pop()()
        return super()._by_rules(view)


def refill(kernel: FakeKernel, packet: bytes) -> Callable[[], None]:
    """Return what lets the time limit settle all frames, and fills their slots anew."""

    def meanwhile() -> None:
        kernel.time_out(len(kernel.slots))
        for _ in range(kernel.request.frames):
            assert kernel.receive(packet)

    return meanwhile


def by_batch(handler: FiveTuple, queue: Queue) -> None:
    queue.wait(0).decide(handler.quickest())


def by_frame(handler: FiveTuple, queue: Queue) -> None:
    for frame in queue.wait(0):
        handler.frame(frame)


def answer(packet: bytes) -> int:
    """Return what the rules say about a packet."""
    return Stalled(lambda: None)._by_rules(memoryview(packet))


@pytest.mark.parametrize("look", [by_batch, by_frame])
@pytest.mark.parametrize("frames", [1, 3])
def test_a_verdict_is_never_remembered_for_another_packet(
    look: Callable[[FiveTuple, Queue], None], frames: int
) -> None:
    for first, second in PAIRS:
        kernel = FakeKernel(REQUEST)
        handler = Stalled(refill(kernel, second))
        for _ in range(frames):
            kernel.receive(first)
        with Queue(REQUEST, backend=kernel) as queue:
            look(handler, queue)
        for packet in PACKETS:
            assert handler.decide(memoryview(packet)) == answer(packet), (first, second, packet)


@pytest.mark.parametrize("look", [by_batch, by_frame])
def test_a_verdict_on_bytes_that_changed_never_reaches_the_packet_that_came(
    look: Callable[[FiveTuple, Queue], None],
) -> None:
    """It is stored with the lap of the one that left, if at all; the kernel refuses it."""
    for first, second in PAIRS:
        kernel = FakeKernel(REQUEST)
        kernel.receive(first)
        with Queue(REQUEST, backend=kernel) as queue:
            look(Stalled(refill(kernel, second)), queue)
            kernel.send()
        assert [each.verdict for each in kernel.settled] == [abi.ACCEPT]  # by the time limit
        assert len(kernel.slots) == REQUEST.frames


@pytest.mark.parametrize("first", [packet for packet in PACKETS if answer(packet) == abi.ANSWER_DROP])
def test_the_rules_look_at_bytes_that_stay_if_the_verdict_is_remembered(first: bytes) -> None:
    kernel, seen = FakeKernel(REQUEST), []

    def rules(view: memoryview) -> int:
        before = bytes(view)
        refill(kernel, bytes(64))()
        seen.append((before, bytes(view), len(flows)))
        return abi.ANSWER_DROP

    flows = backend.current.flows(rules, 100)
    kernel.receive(first)
    with Queue(REQUEST, backend=kernel) as queue:
        queue.wait(0).decide(flows.decide)
    ((before, after, known),) = seen
    assert before == first
    assert known == 0
    assert after == first or not len(flows)


def test_a_flow_that_was_seen_once_is_known() -> None:
    """The copy that the rules get is remembered like the packet itself; plain IPv4 and IPv6, TCP and UDP."""
    calls = []

    def rules(view: memoryview) -> int:
        calls.append(bytes(view))
        return abi.ANSWER_DROP

    flows = backend.current.flows(rules, 100)
    for packet in (PACKETS[0], PACKETS[2], PACKETS[6], PACKETS[7]):
        for _ in range(3):
            assert flows.decide(memoryview(packet)) == abi.ANSWER_DROP
    assert calls == [PACKETS[0], PACKETS[2], PACKETS[6], PACKETS[7]]
    assert len(flows) == 4


@given(st.lists(st.binary(max_size=80), max_size=4))
def test_rules_on_contents_remember_nothing(contents: list[bytes]) -> None:
    """What bytes of two packets said together is forgotten with them."""
    text = b"\n".join(b"drop /literal-%d-of-many/" % number for number in range(200))
    handler = Payload(parse_lines(split_lines("f", text), parse_payload))
    assert handler.decide(memoryview(ipv4(udp(b"x literal-7-of-many")))) == abi.ANSWER_DROP
    before = pickle.dumps(vars(handler))
    for data in contents:
        for packet in (data, ipv4(udp(data)), ipv4(udp(data + b"literal-9-of-many"))):
            handler.decide(memoryview(packet))
    assert pickle.dumps(vars(handler)) == before
