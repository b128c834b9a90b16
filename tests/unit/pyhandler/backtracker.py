# SPDX-License-Identifier: MIT
"""A backtracking matcher in the simplest form, which counts its steps: what ``backtracking.steps`` bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from fastqueue.rules.syntax import REPEATS, Argument, Tree, byte_set, flags_inside, op, parse


class TooManyStepsError(Exception):
    """The matcher was stopped."""


class Backtracker:
    """One search. Regular expressions only: no look-arounds, references or possessive repeats."""

    def __init__(self, text: bytes, flags: int, contents: bytes, most: int) -> None:
        self._parsed = parse(text, flags)
        self._contents = contents
        self._most = most
        self.steps = 0

    def search(self) -> bool:
        """Say whether there is a match; count in ``steps``."""
        tree, flags, _ = self._parsed
        return any(
            True
            for start in range(len(self._contents) + 1)
            for _ in islice(self._sequence(tree, flags, start), 1)
        )

    def _count(self) -> None:
        self.steps += 1
        if self.steps > self._most:
            raise TooManyStepsError

    def _sequence(self, parts: Tree, flags: int, place: int) -> Iterator[int]:
        """Yield every place at which the parts may end, in the order of Python's matcher."""
        if not len(parts):
            yield place
            return
        for end in self._part(*parts[0], flags, place):
            yield from self._sequence(parts[1:], flags, end)

    def _part(self, operation: int, argument: Argument, flags: int, place: int) -> Iterator[int]:
        self._count()
        single = byte_set(operation, argument, flags)
        if single is not None:
            if place < len(self._contents) and single >> self._contents[place] & 1:
                yield place + 1
        elif operation is op.SUBPATTERN:
            yield from self._sequence(argument[-1], flags_inside(flags, argument), place)
        elif operation is op.BRANCH:
            for each in argument[1]:
                yield from self._sequence(each, flags, place)
        elif operation in REPEATS:
            yield from self._repeat(operation, argument, flags, place, 0)
        elif self._at(argument, flags, place):
            yield place

    def _repeat(self, operation: int, argument: Argument, flags: int, place: int, done: int) -> Iterator[int]:
        low, high, inner = argument
        lazy = operation is op.MIN_REPEAT
        if lazy and done >= low:
            yield place
        if done < int(high):
            for end in self._sequence(inner, flags, place):
                if end > place or done < low:
                    yield from self._repeat(operation, argument, flags, end, done + 1)
        if not lazy and done >= low:
            yield place

    def _at(self, where: int, flags: int, place: int) -> bool:
        names = {
            op.AT_BEGINNING: b"^",
            op.AT_BEGINNING_STRING: rb"\A",
            op.AT_END: b"$",
            op.AT_END_STRING: rb"\Z",
        }
        return re.compile(names[where], flags & re.MULTILINE).match(self._contents, place) is not None
