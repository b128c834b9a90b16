# SPDX-License-Identifier: MIT
"""Say how far the reading of a large rule file is."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

_FIRST_S, _EVERY_S = 1.0, 1.0


class Loading:
    """Progress on standard error, once reading takes longer than a second, and what it took at the end."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._began = time.monotonic()
        self._next = self._began + _FIRST_S
        self._rules = 0
        self._said = False

    def __enter__(self) -> Self:
        """Return what is called with the number of rules and the line."""
        return self

    def __call__(self, rules: int, line: int) -> None:
        """Say it, once a second."""
        self._rules = rules
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY_S
            self._said = True
            self._say(f"{rules:,} rules read, line {line:,}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say that it is done."""
        if self._said and error is None:
            seconds = time.monotonic() - self._began
            self._say(f"{self._rules:,} rules, read in {seconds:.1f} s")

    def _say(self, text: str) -> None:
        print(f"fastqueue: {self._file}: {text}", file=sys.stderr, flush=True)
