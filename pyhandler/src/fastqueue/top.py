# SPDX-License-Identifier: MIT
"""``python3 -m fastqueue top``: what all queues do, a second at a time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple, TextIO

from .backend import current
from .proc import Row, lay_out, read_status

# Column of packets a second: its heading, and the counters whose sum it shows.
_RATES = (
    ("RECEIVED/s", ("received",)),
    ("ACCEPTED/s", ("accepted",)),
    ("DROPPED/s", ("dropped",)),
    ("REFUSED/s", ("refused",)),
    ("FLUSHED/s", ("flushed",)),
    ("NO FRAME/s", ("default_accepted", "default_dropped")),
    ("NO MEMORY/s", ("over_memory",)),
    ("WAKE-UPS/s", ("wakeups",)),
)
_HOME = "\x1b[H"
_END_OF_LINE = "\x1b[K"
_REST_OF_SCREEN = "\x1b[J"
_ALTERNATE_SCREEN, _OLD_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


class Sample(NamedTuple):
    """The kernel's counters at one time (seconds of the monotonic clock)."""

    time: float
    rows: list[Row]


def take_sample() -> Sample:
    """Read all queues. Raises QueueError."""
    return Sample(time.monotonic(), read_status())


def table(before: Sample, now: Sample) -> list[list[str]]:
    """Return headings and a line a queue, with rates between two samples.

    A queue that was not there before, or belongs to another process now, has no rates yet.
    """
    seconds = now.time - before.time
    known = {(row.get("queue"), row.get("owner")): row for row in before.rows}
    lines = [["QUEUE", "OWNER", "IN RING", *(heading for heading, _ in _RATES), "DEFAULT"]]
    for row in now.rows:
        old = known.get((row.get("queue"), row.get("owner")))
        rates = [_rate(old, row, fields, seconds) for _, fields in _RATES]
        queue, owner, occupied, frames, action = (
            str(row.get(field, "-")) for field in ("queue", "owner", "occupied", "frames", "default_action")
        )
        lines.append([queue, owner, f"{occupied}/{frames}", *rates, action])
    return lines


def _rate(old: Row | None, new: Row, fields: tuple[str, ...], seconds: float) -> str:
    before, after = _sum(old, fields), _sum(new, fields)
    if before is None or after is None or after < before or seconds <= 0:
        return "-"
    return f"{(after - before) / seconds:.0f}"


def _sum(row: Row | None, fields: tuple[str, ...]) -> int | None:
    values = [row.get(field) for field in fields] if row is not None else [None]
    numbers = [value for value in values if isinstance(value, int)]
    return sum(numbers) if len(numbers) == len(values) else None


def top(interval: float, times: int | None = None) -> None:
    """Show rates every ``interval`` seconds, ``times`` times or until q or Ctrl-C. Raises QueueError.

    On a terminal the view stays in place; elsewhere lines follow each other, each with the time of day.
    """
    if sys.stdin.isatty() and sys.stdout.isatty():
        with _screen(sys.stdout), _keys() as wait:
            _loop(interval, times, _show_screen, wait)
    else:
        _loop(interval, times, _show_lines, _sleep)


def _loop(
    interval: float,
    times: int | None,
    show: Callable[[list[list[str]], float], None],
    wait: Callable[[float], bool],
) -> None:
    before = take_sample()
    for number in count():
        if number == times or wait(interval):
            return
        now = take_sample()
        show(table(before, now), interval)
        before = now


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _show_lines(lines: list[list[str]], _interval: float) -> None:
    clock = time.strftime("%H:%M:%S")
    names = [heading.lower().replace(" ", "-") for heading in lines[0]]
    for line in lines[1:]:
        print(clock, ", ".join(f"{name} {value}" for name, value in zip(names, line, strict=True)))
    if len(lines) == 1:
        print(clock, "no queue has a handler")
    sys.stdout.flush()


def _show_screen(lines: list[list[str]], interval: float) -> None:
    size = os.get_terminal_size()
    width, height = size.columns or 80, size.lines or 24  # a serial line does not know
    title = f"fastqueue top  {time.strftime('%H:%M:%S')}  every {interval:g} s  {current.name}  q ends"
    body = lay_out(lines) if len(lines) > 1 else ["no queue has a handler"]
    shown = [line[:width] for line in [title, "", *body][: height - 1]]
    screen = "".join(f"{line}{_END_OF_LINE}\n" for line in shown)
    sys.stdout.write(f"{_HOME}{screen}{_REST_OF_SCREEN}")
    sys.stdout.flush()


@contextmanager
def _screen(terminal: TextIO) -> Iterator[None]:
    """Use a screen of our own, and give the user's back."""
    terminal.write(_ALTERNATE_SCREEN)
    try:
        yield
    finally:
        terminal.write(_OLD_SCREEN)
        terminal.flush()


@contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Read single keys; yield what waits some seconds, and says at once that q was pressed."""
    import select
    import termios
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)

    def wait(seconds: float) -> bool:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([fd], [], [], left)[0] and _ends(os.read(fd, 64)):
                return True
        return False

    try:
        tty.setcbreak(fd)
        yield wait
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _ends(keys: bytes) -> bool:
    return not keys or b"q" in keys.lower()
