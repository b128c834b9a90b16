# SPDX-License-Identifier: MIT
"""Pointers, laps and words, also where counts wrap at 2^32."""

from __future__ import annotations

import pytest
from fastqueue import Queue, RingOptions, abi
from hypothesis import given
from hypothesis import strategies as st

from .fake_kernel import FakeKernel, WouldSleepError

FRAMES = 8
STARTS = [0, 5, 7, FRAMES * 0x1000000 - 3, (1 << 32) - 1, (1 << 32) - FRAMES - 2]


def make(start: int = 0, frames: int = FRAMES) -> tuple[FakeKernel, Queue]:
    request = RingOptions(0, frames=frames, frame_size=64)
    kernel = FakeKernel(request, start)
    return kernel, Queue(request, backend=kernel)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("number", [1, 2, 5, 8])
def test_a_batch_is_answered_across_the_end_of_the_ring(start: int, number: int) -> None:
    kernel, queue = make(start)
    kernel.receive_many(number)
    batch = queue.wait(0)
    assert len(batch) == number
    batch.drop_all()
    kernel.send()
    assert [(each.name, each.verdict) for each in kernel.settled] == [(n, abi.DROP) for n in range(number)]
    assert kernel.invalid_words == 0
    assert kernel.control[0] == kernel.fa


@pytest.mark.parametrize("start", STARTS)
def test_frames_by_iteration_by_index_and_by_decide_have_the_same_lap(start: int) -> None:
    kernel, queue = make(start)
    ways = (
        lambda batch: [frame.accept() for frame in batch],
        lambda batch: [batch.verdict(index, abi.ANSWER_ACCEPT) for index in range(len(batch))],
        lambda batch: batch.decide(lambda view: abi.ANSWER_ACCEPT),
        lambda batch: batch.accept_all(),
    )
    for answer in ways:
        kernel.receive_many(6)
        answer(queue.wait(0))
        kernel.send()
    assert [each.verdict for each in kernel.settled] == [abi.ACCEPT] * 24
    assert kernel.invalid_words == 0


def test_words_carry_verdict_state_and_lap() -> None:
    kernel, queue = make(start=3 * FRAMES)
    kernel.receive_many(2)
    first, second = queue.wait(0)
    first.accept()
    second.drop()
    assert list(kernel.words[:2]) == [0x306, 0x302]


def test_a_ring_of_the_largest_size_wraps_its_lap_early() -> None:
    kernel, queue = make(start=(1 << 32) - 2, frames=abi.MAX_FRAMES)
    kernel.receive_many(4)
    queue.wait(0).accept_all()
    kernel.send()
    assert len(kernel.settled) == 4
    assert kernel.fp == 2


@pytest.mark.parametrize("start", STARTS)
def test_what_time_limits_settled_is_not_looked_at(start: int) -> None:
    kernel, queue = make(start)
    for _ in range(3):
        kernel.receive_many(FRAMES)
        kernel.time_out(FRAMES)
    kernel.receive_many(5)
    kernel.time_out(2)
    batch = queue.wait(0)
    assert len(batch) == 3
    batch.drop_all()
    kernel.send()
    assert [each.verdict for each in kernel.settled[-5:]] == [abi.ACCEPT] * 2 + [abi.DROP] * 3
    assert kernel.invalid_words == 0


def test_a_receiver_that_laps_the_handler_leaves_it_the_newest_frames() -> None:
    kernel, _ = make()
    kernel.receive_many(FRAMES)
    kernel.time_out(FRAMES)
    kernel.receive_many(5)
    kernel.status[1] = 3  # FP as read just before the time limit
    assert kernel.ring.take() == (5, FRAMES)


def test_the_handler_sleeps_after_all_it_was_woken_for_is_gone() -> None:
    kernel, queue = make()
    kernel.receive_many(4)
    kernel.time_out(4)
    with pytest.raises(WouldSleepError):
        queue.wait()
    assert kernel.polls == 2


@given(st.integers(0, (1 << 32) - 1), st.integers(0, 40), st.integers(3, 16))
def test_settled_compares_counts_around_the_wrap(fp: int, behind: int, order: int) -> None:
    kernel, queue = make(frames=1 << order)
    kernel.status[1] = fp
    ring = kernel.ring
    assert ring.settled(fp - behind & abi.COUNT_MASK) == (behind > 0)
    assert not ring.settled(fp + behind & abi.COUNT_MASK)
    queue.close()


@given(st.integers(0, (1 << 32) - 1), st.integers(1, 8), st.integers(3, 16))
def test_runs_are_the_frames_one_by_one(first: int, number: int, order: int) -> None:
    kernel, queue = make(frames=1 << order)
    runs = [(slot, lap) for start, end, lap in kernel.ring.runs(first, number) for slot in range(start, end)]
    counts = [first + place & abi.COUNT_MASK for place in range(number)]
    assert runs == [(count % (1 << order), (count >> order & 0xFFFFFF) << abi.LAP_SHIFT) for count in counts]
    queue.close()
