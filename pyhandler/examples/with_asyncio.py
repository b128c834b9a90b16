# SPDX-License-Identifier: MIT
"""A queue beside other tasks of an event loop, which Ctrl-C or SIGTERM ends."""

import asyncio
import signal

from fastqueue import Queue
from fastqueue.aio import batches


async def accept(queue: Queue) -> None:
    """Accept everything."""
    async for batch in batches(queue):
        batch.accept_all()


async def report(queue: Queue) -> None:
    """Count aloud."""
    while True:
        await asyncio.sleep(1)
        print(f"accepted {queue.stats().accepted}")


async def main() -> None:
    """Run both until a signal comes."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with Queue(0) as queue:
        tasks = [asyncio.ensure_future(job(queue)) for job in (accept, report)]
        await stopped.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        queue.kick()  # what was answered last


asyncio.run(main())
