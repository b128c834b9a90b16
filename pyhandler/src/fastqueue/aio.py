# SPDX-License-Identifier: MIT
"""Queues in asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from .batch import Batch
from .errors import QueueClosedError
from .queue import Queue


async def batches(queue: Queue) -> AsyncIterator[Batch]:
    """Go through a queue's batches without blocking the event loop, until the kernel closes the queue.

    Between two batches other tasks get their turn, and answers given so far are
    settled. Answers that come later, from other tasks, are settled by the timer, or
    at once after ``queue.kick()``.
    """
    loop = asyncio.get_running_loop()
    while True:
        try:
            batch = queue.wait(0)
        except QueueClosedError:
            return
        if batch:
            yield batch
            await asyncio.sleep(0)
        else:
            await _readable(loop, queue.fileno())


async def _readable(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    """Sleep until there are frames to look at."""
    ready = loop.create_future()
    loop.add_reader(fd, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
