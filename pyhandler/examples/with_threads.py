# SPDX-License-Identifier: MIT
"""One thread a queue: numbers 0 to 3, as `queue num 0-3` spreads flows over them."""

from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from threading import Event

from fastqueue import Queue

QUEUES = 4
stopped = Event()


def handle(number: int) -> None:
    """Accept what comes by one queue."""
    with Queue(number) as queue:  # used by this thread alone
        while not stopped.is_set():
            queue.wait(timeout=0.5).accept_all()  # an empty batch when the time is over
        queue.kick()  # what was answered last


with suppress(KeyboardInterrupt), ThreadPoolExecutor(QUEUES) as pool:
    try:
        for job in as_completed([pool.submit(handle, number) for number in range(QUEUES)]):
            job.result()  # raises what ended a thread
    finally:
        stopped.set()
