# SPDX-License-Identifier: MIT
"""Search for a regular expression in time proportional to the contents, whatever the two are.

For expressions with which Python's matcher may backtrack for too long. The states of a deterministic
automaton are made when packets need them, and forgotten when there are many: a byte costs a look into a list,
and at worst a step of the automaton of positions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from . import literals
from .positions import Positions, Successors, members
from .syntax import IGNORECASE, Parsed, parse

#: Entries of a table of states, and least number of states in one; tables kept, of the rules used last.
_ENTRIES, _LEAST_STATES, _TABLES = 4096, 16, 256


class LinearPattern:
    """As much of ``re.Pattern`` as rules need. Raises UnsupportedError for what is not a regular language."""

    __slots__ = ("_literals", "flags", "pattern")

    def __init__(self, pattern: bytes, parsed: Parsed) -> None:
        Successors(Positions(parsed).follow)  # only to see whether they can be made: most are never used
        self.pattern = pattern
        self.flags = parsed.flags
        needed = literals.read(pattern).literals
        self._literals = tuple(one.lower() for one in needed) if self._ignores_case() else needed

    def search(self, contents: memoryview | bytes) -> bool | None:
        """Return True if there is a match anywhere, else None."""
        data = bytes(contents)
        if not self._has_literals(data):
            return None
        return _automaton(self.pattern, self.flags).search(data) or None

    def _has_literals(self, data: bytes) -> bool:
        """Say whether all bytes that a match needs are there, in their order: far cheaper than a run."""
        if self._ignores_case():
            data = data.lower()
        place = 0
        for literal in self._literals:
            place = data.find(literal, place)
            if place < 0:
                return False
            place += len(literal)
        return True

    def _ignores_case(self) -> bool:
        return bool(self.flags & IGNORECASE)


class Automaton:
    """The states of one expression as far as they are known."""

    def __init__(self, parsed: Parsed) -> None:
        positions = Positions(parsed)
        self._positions = positions
        self._successors = Successors(positions.follow)
        self._anywhere = positions.first & ~positions.beginning
        self._classes, self._of_class = _byte_classes(positions.byte_sets)
        begun = positions.closure(positions.first & positions.beginning, positions.beginning)
        self._start = begun & positions.beginning
        self._always = positions.empty or bool(self._start & positions.last)
        self._rows: dict[int, list[Any]] = {}
        self._most_rows = max(_LEAST_STATES, _ENTRIES // len(self._of_class))

    def search(self, data: bytes) -> bool:
        """Say whether there is a match anywhere."""
        if self._always:
            return True
        row = self._row(self._start)
        symbols = data.translate(self._classes)
        for symbol in memoryview(symbols)[:-1]:
            following = row[symbol]
            if following is None:
                state = self._step(row[-1], symbol)
                if state & self._positions.last:
                    return True
                if not state | self._anywhere:
                    return False
                following = row[symbol] = self._row(state)
            row = following
        return self._matches_at_end(row[-1], symbols[-1:], data.endswith(b"\n"))

    def _matches_at_end(self, before_last: int, last: bytes, newline: bool) -> bool:
        """Say whether a match ends with the contents, or in front of their last newline."""
        state = self._step(before_last, last[0]) if last else before_last
        positions = self._positions
        loose = positions.end_or_newline
        return (
            bool(state & positions.last)
            or self._passes(state, loose | positions.end)
            or (newline and self._passes(before_last, loose))
        )

    def _step(self, state: int, symbol: int) -> int:
        """Return the positions passed after one more byte."""
        return (self._successors.of(state) | self._anywhere) & self._of_class[symbol]

    def _passes(self, state: int, places: int) -> bool:
        """Say whether a match ends at this place, which is one of ``places``."""
        reached = (self._successors.of(state) | self._anywhere) & places
        return bool(self._positions.closure(reached, places) & places & self._positions.last)

    def _row(self, state: int) -> list[Any]:
        """Return a state's successors by class of byte, None for unknown ones, and the state behind them."""
        row = self._rows.get(state)
        if row is None:
            if len(self._rows) >= self._most_rows:
                self._forget()
            row = self._rows[state] = [*[None] * len(self._of_class), state]
        return row

    def _forget(self) -> None:
        for row in self._rows.values():
            row[:-1] = [None] * len(self._of_class)  # rows refer to each other: now they need no collector
        self._rows.clear()


@lru_cache(maxsize=_TABLES)
def _automaton(pattern: bytes, flags: int) -> Automaton:
    return Automaton(parse(pattern, flags))


def _byte_classes(byte_sets: list[int]) -> tuple[bytes, list[int]]:
    """Return a table from bytes to classes, and the positions that take each class."""
    of_set: dict[int, int] = {}
    for position, found in enumerate(byte_sets):
        of_set[found] = of_set.get(found, 0) | 1 << position
    takes = [0] * 256
    for found, positions in of_set.items():
        for byte in members(found):
            takes[byte] |= positions
    numbers = {positions: number for number, positions in enumerate(dict.fromkeys(takes))}
    return bytes(numbers[positions] for positions in takes), list(numbers)
