# SPDX-License-Identifier: MIT
"""Waiting, batching and ending, with a kernel that is a model."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest
from fastqueue import Queue, QueueClosedError, QueueError, RingOptions, abi
from fastqueue.handlers import Drop, Null

from .fake_kernel import FakeKernel, WouldSleepError

REQUEST = RingOptions(3, frames=16, frame_size=64)


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel(REQUEST)


@pytest.fixture
def queue(kernel: FakeKernel) -> Iterator[Queue]:
    with Queue(REQUEST, backend=kernel) as queue:
        yield queue


def test_wait_without_packets_gives_an_empty_batch(queue: Queue) -> None:
    assert not queue.wait(0)
    assert len(queue.wait(0.001)) == 0


def test_wait_sleeps_until_packets_come(kernel: FakeKernel, queue: Queue) -> None:
    kernel.plan = [0, 0, 3]
    assert len(queue.wait()) == 3
    assert kernel.polls == 3


def test_waiting_again_settles_the_batch_before(kernel: FakeKernel, queue: Queue) -> None:
    kernel.receive_many(2)
    for frame in queue.wait(0):
        frame.accept()
    queue.wait(0)
    assert [each.name for each in kernel.settled] == [0, 1]


def test_batches_index_like_sequences(kernel: FakeKernel, queue: Queue) -> None:
    kernel.receive_many(3)
    batch = queue.wait(0)
    assert [batch[0].serial, batch[2].serial, batch[-1].serial] == [0, 2, 2]
    for index in (3, -4):
        with pytest.raises(IndexError):
            batch[index]


def test_frames_come_in_order_across_batches(kernel: FakeKernel, queue: Queue) -> None:
    kernel.plan = [2, 1, 5]
    seen = []
    with pytest.raises(WouldSleepError):
        for frame in queue:
            seen.append(frame.serial)
            frame.accept()
    assert seen == list(range(8))
    assert [each.name for each in kernel.settled] == seen


@pytest.mark.parametrize("timer_only", [False, True])
@pytest.mark.parametrize("start", [0, (1 << 32) - 9])
@pytest.mark.parametrize(("handler", "verdict"), [(Null(), abi.ACCEPT), (Drop(), abi.DROP)])
def test_constant_handlers_answer_batches_of_all_sizes(
    handler: Null | Drop, verdict: int, start: int, timer_only: bool
) -> None:
    request = REQUEST._replace(timer_only=timer_only)
    kernel = FakeKernel(request, start)
    kernel.plan = [1, 2, 0, 16, 1, 7]
    with pytest.raises(WouldSleepError):
        handler.serve(Queue(request, backend=kernel))
    kernel.send()
    assert [(each.name, each.verdict) for each in kernel.settled] == [(name, verdict) for name in range(27)]
    assert kernel.invalid_words == 0


def test_a_constant_handler_costs_one_system_call_a_batch(kernel: FakeKernel, queue: Queue) -> None:
    kernel.plan = [16] * 10
    with pytest.raises(WouldSleepError):
        Null().serve(queue)
    assert len(kernel.settled) == 160
    assert kernel.polls == 11  # it settles what was answered and sleeps, at once


def test_timer_only_mode_polls_only_to_sleep() -> None:
    request = REQUEST._replace(timer_only=True)
    kernel = FakeKernel(request)
    queue = Queue(request, backend=kernel)
    kernel.receive_many(4)
    assert len(queue.wait()) == 4
    assert kernel.polls == 0


def test_a_full_ring_takes_the_default_action(kernel: FakeKernel, queue: Queue) -> None:
    assert kernel.receive_many(20) == 16
    assert kernel.default_answers == [16, 17, 18, 19]
    assert len(queue.wait(0)) == 16


def test_done_makes_the_descriptor_quiet(kernel: FakeKernel, queue: Queue) -> None:
    kernel.receive_many(2)
    assert select.select([queue], [], [], 0)[0]
    batch = queue.wait(0)
    batch[0].accept()
    queue.done()
    kernel.poll(0)  # what epoll does with a file that was ready
    assert not select.select([queue], [], [], 0)[0]


def test_late_verdicts_after_later_batches(kernel: FakeKernel, queue: Queue) -> None:
    kernel.receive_many(2)
    early = queue.wait(0)
    kernel.receive_many(2)
    queue.wait(0).accept_all()
    assert not kernel.settled  # in order: the first two block
    early.drop_all()
    queue.kick()
    assert [each.verdict for each in kernel.settled] == [abi.DROP] * 2 + [abi.ACCEPT] * 2


def test_a_queue_that_the_kernel_closes(kernel: FakeKernel, queue: Queue) -> None:
    kernel.receive_many(1)
    kernel.closed = True
    seen = []
    for frame in queue:
        seen.append(frame.serial)
        frame.accept()
    assert seen == [0]
    Null().serve(queue)
    with pytest.raises(QueueClosedError):
        queue.wait(0)


def test_set_packs_only_what_is_given(kernel: FakeKernel, queue: Queue) -> None:
    queue.set(default_action="accept", timeout_ms=0)
    queue.set(period_us=100, copy_range=128)
    assert [abi.SETTINGS.unpack(each)[:5] for each in kernel.settings] == [
        (5, 1, 0, 0, 0),
        (10, 0, 100, 0, 128),
    ]


def test_set_changes_flags_that_may_change_and_keeps_the_others(kernel: FakeKernel, queue: Queue) -> None:
    queue.set(gso=True, limit=3)
    queue.set(uid=True)
    queue.set(gso=False)
    queue.set(limit=0)
    both = abi.SET_LIMIT | abi.SET_FLAGS
    assert [abi.SETTINGS.unpack(each) for each in kernel.settings] == [
        (both, 0, 0, 0, 0, 3, abi.F_GSO),
        (abi.SET_FLAGS, 0, 0, 0, 0, 0, abi.F_GSO | abi.F_UID),
        (abi.SET_FLAGS, 0, 0, 0, 0, 0, abi.F_UID),
        (abi.SET_LIMIT, 0, 0, 0, 0, 0, 0),
    ]


def test_a_copy_range_that_was_set_outlives_a_resize(kernel: FakeKernel, queue: Queue) -> None:
    queue.set(copy_range=64)
    queue.resize(frames=32)
    assert queue.request.copy_range == 64
    assert kernel.request.copy_range == 64


def test_set_refuses_what_the_kernel_would(queue: Queue) -> None:
    with pytest.raises(QueueError, match="take 50 to 1000000"):
        queue.set(period_us=0)
    with pytest.raises(QueueError, match="take 1 to 65536"):
        queue.set(copy_range=0)
    with pytest.raises(QueueError, match="take 0 to"):
        queue.set(timeout_ms=-1)
    with pytest.raises(QueueError, match="limit is -1; take 0 to"):
        queue.set(limit=-1)
    with pytest.raises(QueueError, match="take accept or drop"):
        queue.set(default_action="")


def test_resizing_keeps_what_is_unanswered(kernel: FakeKernel, queue: Queue) -> None:
    kernel.receive_many(5)
    batch = queue.wait(0)
    batch[0].accept()
    queue.kick()
    queue.resize(frames=64)
    assert queue.request.frames == 64
    assert len(queue.wait(0)) == 4
    queue.wait(0).accept_all()


def test_counters_obey_the_conservation_law(kernel: FakeKernel, queue: Queue) -> None:
    kernel.receive_many(3)
    queue.wait(0).drop_all()
    queue.kick()
    kernel.receive_many(1)
    stats = queue.stats()
    assert stats.queued == stats.accepted + stats.dropped + stats.flushed + stats.occupied == 4
