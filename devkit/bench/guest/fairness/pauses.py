# SPDX-License-Identifier: MIT
"""How long others wait for the processor while a full ring goes: ``-m fairness.pauses FRAMES``.

A process of higher priority wakes up every 100 us and notes how late it is: that is how long a process
that is ready to run has to wait. (Two processes of one priority take turns of milliseconds whatever they
do, so that a gap in what one of them does would say nothing.) Prints a line of JSON for each case.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from fastqueue import abi

from . import queues
from .queues import Queue

_INTERVAL_NS = 100_000
_PRIORITY = 50
_WAIT = 0.001
_PATIENCE = 2_000
#: Of a ring with large packets.
_LARGE_FRAMES = 128


class Watch:
    """The process that wakes up, and the longest delay that it has seen."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)
        self._delays = memoryview(self._shared).cast("Q")  # the longest, wake-ups
        self._pid = os.fork()
        if not self._pid:
            self._look()

    def _look(self) -> None:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
        now, sleep, delays = time.monotonic_ns, time.sleep, self._delays
        while True:
            due = now() + _INTERVAL_NS
            sleep(_INTERVAL_NS / 1e9)
            delay = now() - due
            delays[1] += 1
            delays[0] = max(delays[0], delay)

    def reset(self) -> None:
        """Forget the delays until now."""
        self._delays[0] = self._delays[1] = 0

    def seen(self) -> dict[str, int]:
        """Return the longest delay in ns and the number of wake-ups."""
        return {"longest_ns": self._delays[0], "wakeups": self._delays[1]}

    def end(self) -> None:
        """Kill the process."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


class Cases:
    """One ring, filled anew for each case."""

    def __init__(self, watch: Watch, frames: int) -> None:
        self._watch = watch
        self._frames = frames

    def run(self) -> None:
        """Run all cases."""
        with self._full() as queue:
            self._case("resize", queue, lambda: queue.resize(2 * abi.MIN_FRAME_SIZE), gone=False)
            self._case("device down", queue, lambda: _ip("link", "set", "lo", "down"))
        _ip("link", "set", "lo", "up")
        with self._full() as queue:
            self._case("table deleted", queue, lambda: _nft(f"delete table {queues.TABLE}"))
        queues.set_up(1)
        with self._full() as queue:
            queue.map()
            queue.answer_all(abi.ANSWER_ACCEPT)
            self._case("all answered", queue, queue.kick)
            queue.unmap()
        self._changed()
        for name, action in (("close, drop", abi.DROP), ("close, accept", abi.ACCEPT)):
            queue = self._queue(action)
            self._case(name, queue, queue.close, gone=None)

    def _changed(self) -> None:
        """Have few frames, with large packets that are changed."""
        for name, flags, kick in (("all changed", 0, True), ("all changed, timer", abi.F_TIMER_ONLY, False)):
            wanted = flags | abi.F_WRITABLE
            queue = Queue(0, _LARGE_FRAMES, frame_size=abi.MAX_FRAME_SIZE, period_us=50, flags=wanted)
            queue.fill_large()
            queue.map()
            self._case(name, queue, partial(_change_all, queue, kick))
            queue.unmap()
            queue.close()

    @contextmanager
    def _full(self) -> Iterator[Queue]:
        queue = self._queue(abi.DROP)
        try:
            yield queue
        finally:
            queue.close()

    def _queue(self, action: int) -> Queue:
        queue = Queue(0, self._frames, default_action=action)
        queue.fill()
        return queue

    def _case(self, name: str, queue: Queue, act: Callable[[], object], gone: bool | None = True) -> None:
        """Do it; ``gone``: wait until the packets are."""
        packets = queue.occupied()
        time.sleep(_WAIT)
        self._watch.reset()
        begin = time.monotonic_ns()
        act()
        if gone:
            _wait_empty(queue)
        time.sleep(_WAIT)
        took = time.monotonic_ns() - begin
        left = None if gone is None else queue.occupied()
        found = {"name": name, "packets": packets, "left": left, "took_ns": took}
        print(json.dumps(found | self._watch.seen()))


def _change_all(queue: Queue, kick: bool) -> None:
    queue.change_all()
    if kick:
        queue.kick()


def _wait_empty(queue: Queue) -> None:
    for _ in range(_PATIENCE):
        if not queue.occupied():
            return
        time.sleep(_WAIT)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _nft(script: str) -> None:
    subprocess.run(["nft", script], check=True, stdout=subprocess.DEVNULL)


def main(frames: str) -> None:
    """Watch all cases, first what delays there are without any."""
    queues.unshare(queues.CLONE_NEWNET)
    queues.set_up(1)
    gc.disable()
    watch = Watch()
    try:
        time.sleep(0.1)
        watch.reset()
        _nft("list tables")
        time.sleep(0.1)
        print(json.dumps({"name": "nothing", "packets": 0, "left": 0, "took_ns": 0, **watch.seen()}))
        Cases(watch, int(frames)).run()
    finally:
        watch.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
