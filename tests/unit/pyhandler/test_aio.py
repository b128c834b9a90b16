# SPDX-License-Identifier: MIT
"""Batches in an event loop, beside other tasks."""

from __future__ import annotations

import asyncio

from fastqueue import Queue, RingOptions
from fastqueue.aio import batches

from .fake_kernel import FakeKernel

REQUEST = RingOptions(0, frames=16, frame_size=64)


def test_batches_come_while_other_tasks_run() -> None:
    kernel = FakeKernel(REQUEST)
    queue = Queue(REQUEST, backend=kernel)
    turns = 0

    async def traffic() -> None:
        nonlocal turns
        for _ in range(5):
            kernel.receive_many(2)
            turns += 1
            await asyncio.sleep(0.002)

    async def handle() -> int:
        seen = 0
        async for batch in batches(queue):
            batch.accept_all()
            seen += len(batch)
            if seen == 10:
                break
        return seen

    async def both() -> int:
        seen, _ = await asyncio.gather(handle(), traffic())
        return seen

    assert asyncio.run(asyncio.wait_for(both(), 10)) == 10
    assert turns == 5
    queue.wait(0)
    assert len(kernel.settled) == 10


def test_a_busy_queue_lets_others_run() -> None:
    kernel = FakeKernel(REQUEST)
    queue = Queue(REQUEST, backend=kernel)
    other = 0

    async def count() -> None:
        nonlocal other
        while True:
            other += 1
            await asyncio.sleep(0)

    async def handle() -> None:
        counting = asyncio.ensure_future(count())
        kernel.receive_many(4)
        seen = 0
        async for batch in batches(queue):
            batch.accept_all()
            kernel.receive_many(4)
            seen += 1
            if seen == 20:
                break
        counting.cancel()

    asyncio.run(asyncio.wait_for(handle(), 10))
    assert other >= 19


def test_the_iterator_ends_with_the_queue() -> None:
    kernel = FakeKernel(REQUEST)
    kernel.closed = True

    async def handle() -> int:
        return len([batch async for batch in batches(Queue(REQUEST, backend=kernel))])

    assert asyncio.run(handle()) == 0
