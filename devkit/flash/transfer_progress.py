# SPDX-License-Identifier: MIT
"""How far a transfer is: share, rate and time left; a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from devkit.flash.sizes import human
from devkit.host.progress import console, say
from devkit.host.terminal_text import printable

#: Told after so many more bytes.
Advance = Callable[[int], None]

#: Without a terminal, a line this often (seconds).
EVERY = 5.0
#: The rate is that of the last so many seconds.
_WINDOW = 15.0


class Meter:
    """Rate and time left of a transfer of ``total`` bytes."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done = 0
        self._clock = clock
        self._begun = clock()
        self._marks: deque[tuple[float, int]] = deque([(self._begun, 0)])

    def advance(self, count: int) -> None:
        """Count ``count`` more bytes."""
        self.done += count
        now = self._clock()
        self._marks.append((now, self.done))
        while len(self._marks) > 2 and self._marks[1][0] <= now - _WINDOW:
            self._marks.popleft()

    @property
    def elapsed(self) -> float:
        """Seconds since the begin."""
        return self._clock() - self._begun

    @property
    def rate(self) -> float:
        """Bytes a second of late; 0 as long as that is not known."""
        (begun, before), (now, done) = self._marks[0], self._marks[-1]
        return (done - before) / (now - begun) if now > begun else 0.0

    @property
    def left(self) -> float | None:
        """Seconds to go, None as long as that is not known."""
        return (self.total - self.done) / self.rate if self.rate else None

    def line(self) -> str:
        """Share, rate and time left, for people."""
        share = f"{self.done * 100 // self.total if self.total else 100} %"
        left = "" if self.left is None else f"  {duration(self.left)} left"
        return f"{human(self.done)} of {human(self.total)}  {share}  {human(self.rate)}/s{left}"

    def summary(self) -> str:
        """Size, time and mean rate, for people."""
        return f"{human(self.done)}  {self.elapsed:.1f} s  {human(self.done / max(self.elapsed, 1e-3))}/s"


def duration(seconds: float) -> str:
    """Return minutes and seconds, for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def tell(text: str) -> None:
    """Say it if anybody listens: a pipe that was closed or a full disk leaves no device half written."""
    # SystemExit is what rich makes of a closed pipe.
    with contextlib.suppress(OSError, SystemExit):
        say(text)


@contextmanager
def phase(title: str, total: int) -> Iterator[Advance]:
    """Show the progress of one step over ``total`` bytes, and at its end how long it took."""
    meter = Meter(total)
    try:
        with _bar(title, meter) if console.is_terminal else _lines(title, meter) as advance:
            yield advance
    except BaseException:
        tell(f"✗ {title}  {meter.line()}")
        raise
    tell(f"✓ {title}  {meter.summary()}")


@contextmanager
def _bar(title: str, meter: Meter) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), DownloadColumn(),
        TransferSpeedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        shown = bar.add_task(printable(title), total=meter.total)

        def advance(count: int) -> None:
            meter.advance(count)
            bar.update(shown, completed=meter.done)

        yield advance


@contextmanager
def _lines(title: str, meter: Meter) -> Iterator[Advance]:
    said = meter.elapsed

    def advance(count: int) -> None:
        nonlocal said
        meter.advance(count)
        if meter.elapsed >= said + EVERY:
            said = meter.elapsed
            tell(f"… {title}  {meter.line()}")

    yield advance
