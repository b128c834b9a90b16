# SPDX-License-Identifier: MIT
"""What queues of an unprivileged user take: ``-m fairness.share NAME QUEUES FRAMES PACKETS MS``.

A process in a user namespace of its own does what NAME says with its queues; another one, which has
nothing to do with them, counts. This is done twice, with empty queues and with full ones, so that what
any process costs that sleeps and wakes up does not count. Prints one line of JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from fastqueue import abi

from . import queues
from .queues import Queue

_PERIOD_US = 50
_CPU_TIME = 2  # of clock_gettime(): time of a whole process as the scheduler counts it
#: Frames that the timer looks at in one tick.
_TICK_FRAMES = 8192
_MS = 1_000_000
#: Seconds in which the kernel frees what setting up has left.
_SETTLE = 0.1
_COUNTERS = ("ticks", "queued", "dropped", "occupied", "invalid_words")

Act = Callable[[Sequence[Queue]], None]


def rest(_queues: Sequence[Queue]) -> None:
    """Do nothing."""
    time.sleep(1)


def set_often(each: Sequence[Queue]) -> None:
    """Start all timers anew, a hundred times a second."""
    for queue in each:
        queue.set_period(_PERIOD_US)
    time.sleep(0.01)


class Answers:
    """Answer ``number`` frames of every part that one tick looks at; then sleep for a time."""

    def __init__(self, number: int, sleep: float) -> None:
        self._step = max(1, _TICK_FRAMES // number)
        self._sleep = sleep
        self._next = 0

    def __call__(self, each: Sequence[Queue]) -> None:
        """Answer, then sleep."""
        for queue in each:
            for count in range(self._next + 1, queue.frames, self._step):
                queue.answer(count)
        self._next = (self._next + 1) % self._step
        time.sleep(self._sleep)


class Nonsense:
    """Write an invalid word to every frame, as long as a sweep takes apart."""

    def __init__(self) -> None:
        self._words = memoryview(b"")

    def __call__(self, each: Sequence[Queue]) -> None:
        """Write all words, then sleep."""
        if not self._words:
            self._words = memoryview(each[0].words_of(abi.LAP_MASK | abi.ANSWER_DROP)).cast("I")
        for queue in each:
            queue.store(self._words)
        time.sleep(0.01)


class Changes:
    """Accept all frames at once, large packets that are changed; the timer takes them piece by piece."""

    def __init__(self) -> None:
        self._begun = False

    def __call__(self, each: Sequence[Queue]) -> None:
        """Answer the first time that there is something to answer; sleep."""
        if not self._begun and each[0].occupied():
            self._begun = True
            for queue in each:
                queue.change_all()
        time.sleep(1)


LARGE = "changed"
ACTS: dict[str, Callable[[], Act]] = {
    LARGE: Changes,
    "rest": lambda: rest,
    "set": lambda: set_often,
    "one": lambda: Answers(1, 0.06),
    "twenty": lambda: Answers(20, 0.004),
    "nonsense": Nonsense,
}


def be_the_user(name: str, sizes: Sequence[int], ready: int, go: int) -> None:
    """Act with empty queues, then with full ones; ``sizes``: queues, frames and packets of each."""
    number, frames, packets = sizes
    queues.become_unprivileged()
    queues.set_up(number)
    flags = abi.F_UNORDERED | abi.F_TIMER_ONLY | (abi.F_WRITABLE if name == LARGE else 0)
    size = abi.MAX_FRAME_SIZE if name == LARGE else abi.MIN_FRAME_SIZE
    each = [Queue(one, frames, frame_size=size, period_us=_PERIOD_US, flags=flags) for one in range(number)]
    for queue in each:
        queue.map()
    gc.disable()
    os.write(ready, b"0\n")
    _act(ACTS[name](), each, go)
    for queue in each:
        queue.fill_large() if name == LARGE else queue.fill(packets or None)
    os.write(ready, b"%d\n" % sum(queue.occupied() for queue in each))
    _act(ACTS[name](), each, go)
    os.write(ready, json.dumps([counters(queue) for queue in each]).encode() + b"\n")


def _act(act: Act, each: Sequence[Queue], go: int) -> None:
    """Act between two words from the other process."""
    os.set_blocking(go, True)
    os.read(go, 1)
    os.set_blocking(go, False)
    while True:
        try:
            os.read(go, 1)
            return
        except BlockingIOError:
            act(each)


def counters(queue: Queue) -> dict[str, int]:
    """Return the counters that say what the queue did."""
    stats = queue.stats()
    return {name: getattr(stats, name) for name in _COUNTERS}


def count_until(end: int) -> int:
    """Count until then, by the monotonic clock."""
    now = time.monotonic_ns
    number = 0
    while now() < end:
        number += 1
    return number


def measure(pid: int, seconds_ns: int) -> dict[str, int]:
    """Count beside the other process."""
    clock = ~pid << 3 | _CPU_TIME
    time.sleep(_SETTLE)
    used, own, begin = time.clock_gettime_ns(clock), time.process_time_ns(), time.monotonic_ns()
    number = count_until(begin + seconds_ns)
    elapsed, own = time.monotonic_ns() - begin, time.process_time_ns() - own
    used = time.clock_gettime_ns(clock) - used
    return {"counted": number, "elapsed_ns": elapsed, "own_ns": own, "process_ns": used}


def main(name: str, number: str, frames: str, packets: str, milliseconds: str) -> None:
    """Measure alone, beside empty queues, and beside full ones."""
    from_child, ready = os.pipe()
    go, to_child = os.pipe()
    pid = os.fork()
    if not pid:
        be_the_user(name, (int(number), int(frames), int(packets)), ready, go)
        os._exit(0)
    os.close(ready)
    found: dict[str, Any] = {}
    gc.disable()
    window = int(milliseconds) * _MS
    with os.fdopen(from_child) as lines:
        for state in ("empty", "full"):
            found["packets"] = int(lines.readline())
            if state == "empty":
                found["alone"] = measure(pid, window)
            os.write(to_child, b"g")
            found[state] = measure(pid, window)
            os.write(to_child, b"s")
        found["queues"] = json.loads(lines.readline())
    os.waitpid(pid, 0)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
