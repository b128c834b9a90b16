# SPDX-License-Identifier: MIT
"""The module's counters, as /proc/net/fastqueue in the target has them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields

from devkit.host.errors import KitError
from devkit.target.qemu import Target

PROC = "/proc/net/fastqueue"
_PATIENCE = 60.0


@dataclass(frozen=True)
class Counters:
    """One queue: a line of the file, packets unless said otherwise."""

    queue: int
    owner: int  # pid of the handler
    frames: int
    frame_size: int  # bytes
    occupied: int
    processed: int
    received: int
    queued: int
    accepted: int
    dropped: int
    flushed: int
    timed_out: int
    default_accepted: int
    default_dropped: int
    invalid_words: int
    wakeups: int
    ticks: int
    truncated: int
    segmented: int
    refused: int  # of dropped
    over_memory: int  # of default_*
    period_us: int
    default_action: str
    flags: int

    def check(self) -> None:
        """Raise AssertionError unless every packet that entered the queue is accounted for."""
        settled = self.accepted + self.dropped + self.flushed
        problems = [
            problem
            for problem, found in (
                (
                    "queued is not accepted + dropped + flushed + occupied",
                    self.queued != settled + self.occupied,
                ),
                (
                    "received is not queued + settled by default",
                    self.received != self.queued + self.by_default,
                ),
                ("more frames occupied than there are", self.occupied > self.frames),
                ("more timed out than flushed", self.timed_out > self.flushed),
                ("more refused than dropped", self.refused > self.dropped),
                ("more over the memory limit than without a frame", self.over_memory > self.by_default),
            )
            if found
        ]
        if problems:
            raise AssertionError(f"{'; '.join(problems)}: {self}")

    @property
    def by_default(self) -> int:
        """Packets that got no frame."""
        return self.default_accepted + self.default_dropped


def parse(text: str) -> dict[int, Counters]:
    """Read the whole file; queue number to counters. KitError FQ-COUNTERS where it is another format."""
    heading, *lines = text.splitlines() or [""]
    wanted = [field.name for field in fields(Counters)]
    if heading.split() != wanted:
        what = f"{PROC} has other columns than this kit knows"
        raise KitError("FQ-COUNTERS", what, "build kit and image from one commit", lines=[heading])
    try:
        found = [_line(line.split()) for line in lines if line.strip()]
    except ValueError as error:
        raise KitError("FQ-COUNTERS", f"{PROC} cannot be read: {error}", "reload the module") from error
    return {counters.queue: counters for counters in found}


def _line(words: list[str]) -> Counters:
    values = [
        word if field.name == "default_action" else int(word, 0)
        for field, word in zip(fields(Counters), words, strict=True)
    ]
    return Counters(*values)  # type: ignore[arg-type]


def read(target: Target) -> dict[int, Counters]:
    """Return the counters of all queues that are open in the target."""
    return parse(target.run(["cat", PROC]).output)


def of_queue(target: Target, queue: int = 0) -> Counters:
    """Return the counters of one queue; KitError FQ-COUNTERS if it is not open."""
    found = read(target)
    if queue not in found:
        remedy = "does its handler still run? ps in the target"
        raise KitError("FQ-COUNTERS", f"{PROC} does not have queue {queue}", remedy)
    return found[queue]


def wait(target: Target, condition: Callable[[Counters], bool], queue: int = 0) -> Counters:
    """Wait until a queue's counters are so, and return them.

    AssertionError where they do not add up, or do not come to that in a minute.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        found = of_queue(target, queue)
        found.check()
        if condition(found):
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"it does not come to that: {found}")
