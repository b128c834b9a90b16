# SPDX-License-Identifier: MIT
"""Progress for people: every stage with its time, a live clock on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from devkit.host.terminal_text import printable

#: Characters of a line where there is no terminal: tables and paths stay in one piece.
_PLAIN_WIDTH = 200


class _Console(Console):
    """Rich's console for text of others: in tables too, what it prints is printable and not markup."""

    def render_str(self, text: str, **more: Any) -> Text:  # noqa: ANN401 (as rich has them)
        """Return text without control characters, as it is: no [red], no :smiley:."""
        return super().render_str(printable(text), **more)


console = _Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
if not console.is_terminal and "COLUMNS" not in os.environ:
    console.width = _PLAIN_WIDTH

#: Without a terminal a stage says that it is still alive this often (seconds).
HEARTBEAT = 30.0


def say(text: str) -> None:
    """Print one line of news; control characters in it are shown as their codes."""
    console.print(printable(text))


@contextmanager
def stage(title: str, log: Path | None = None) -> Iterator[None]:
    """Show that ``title`` is under way, and at the end its time and, if it failed, its log."""
    started = time.monotonic()
    try:
        with _alive(title, log):
            yield
    except BaseException:
        where = f"  log: {log}" if log else ""
        say(f"✗ {title}  {time.monotonic() - started:.1f} s{where}")
        raise
    say(f"✓ {title}  {time.monotonic() - started:.1f} s")


@contextmanager
def _alive(title: str, log: Path | None) -> Iterator[None]:
    where = f"  (log: {log})" if log else ""
    if console.is_terminal:
        with console.status(Text(printable(f"{title} …{where}"))):
            yield
        return
    done = threading.Event()

    def beat() -> None:
        started = time.monotonic()
        wait = 1.0
        while not done.wait(wait):
            say(f"… {title}  {time.monotonic() - started:.0f} s{where}")
            wait = HEARTBEAT

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
