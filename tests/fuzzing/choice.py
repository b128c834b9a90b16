# SPDX-License-Identifier: MIT
"""Decisions taken from bytes, so that whoever changes bytes changes decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Value = TypeVar("Value")


class Choice:
    """Takes bytes from the front; without any left, the first of all possibilities."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def byte(self) -> int:
        """Return the next byte."""
        self._place += 1
        return self._data[self._place - 1] if self._place <= len(self._data) else 0

    def number(self, low: int, high: int) -> int:
        """Return a number of this range, which is narrower than 65536."""
        wide = high - low > 255
        return low + (self.byte() << 8 | self.byte() if wide else self.byte()) % (high - low + 1)

    def of(self, values: Sequence[Value]) -> Value:
        """Return one of some values."""
        return values[self.number(0, len(values) - 1)]

    def some(self, most: int) -> bytes:
        """Return up to so many bytes."""
        length = self.number(0, most)
        found = self._data[self._place : self._place + length]
        self._place += length
        return found

    def left(self) -> bool:
        """Return whether there are bytes left."""
        return self._place < len(self._data)

    def rest(self) -> bytes:
        """Return all that is left."""
        return self._data[self._place :]
