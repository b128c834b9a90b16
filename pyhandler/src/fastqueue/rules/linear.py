# SPDX-License-Identifier: MIT
"""Search for a regular expression in time proportional to the contents, whatever the two are.

For expressions with which Python's matcher may backtrack for too long. The states of a deterministic
automaton are made when packets need them, and forgotten when there are many: a byte costs a look into a list,
and at worst a step of the automaton of positions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import literals
from .budget import OverBudgetError
from .positions import Positions, Successors, closure, members
from .syntax import IGNORECASE, Parsed

#: Words in the table of states of one automaton, in the tables of a whole set of rules, and for a state
#: beside its successors.
_TABLE_WORDS, _ALL_TABLES_WORDS, _STATE_WORDS = 8192, 1 << 20, 24
#: Each automaton may have so many states, however many share the tables.
_LEAST_STATES = 16
#: Steps of the automaton of positions in one search: as many as the contents have bytes up to 4096 bytes.
MOST_STEPS = 4096
_WORD_BYTES = 8


class LinearPattern:
    """As much of ``re.Pattern`` as rules need. Raises UnsupportedError for what is not a regular language.

    size: bytes of memory that the expression takes for as long as it is used, about
    """

    __slots__ = ("_automaton", "_literals", "flags", "pattern", "size")

    def __init__(self, pattern: bytes, parsed: Parsed) -> None:
        self._automaton = Automaton(parsed)
        self.pattern = pattern
        self.flags = parsed.flags
        needed = literals.read(pattern).literals
        self._literals = tuple(one.lower() for one in needed) if self._ignores_case() else needed
        self.size = self._automaton.size()

    def search(self, contents: memoryview | bytes) -> bool | None:
        """Return True if there is a match anywhere, else None. Raises OverBudgetError."""
        data = bytes(contents)
        if not self._has_literals(data):
            return None
        return self._automaton.search(data) or None

    def limit(self, words: int) -> None:
        """Limit the table of states; see Automaton.limit."""
        self._automaton.limit(words)

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


def share_tables(patterns: Iterable[object]) -> None:
    """Share the memory for tables of states between the automata of one set of rules."""
    automata = [pattern for pattern in patterns if isinstance(pattern, LinearPattern)]
    for each in automata:
        each.limit(min(_TABLE_WORDS, _ALL_TABLES_WORDS // len(automata)))


class Automaton:
    """One expression, and its states as far as they are known. Nothing in a search is recursive."""

    def __init__(self, parsed: Parsed) -> None:
        positions = Positions(parsed)
        self._end, self._end_or_newline, self._last = positions.end, positions.end_or_newline, positions.last
        self._end_follow = {
            place: positions.follow[place] for place in members(self._end | self._end_or_newline)
        }
        self._successors = Successors(positions.follow)
        self._anywhere = positions.first & ~positions.beginning
        self._classes, self._of_class = _byte_classes(positions.byte_sets)
        begun = positions.first & positions.beginning
        self._start = closure(begun, positions.beginning, positions.follow.__getitem__) & positions.beginning
        self._always = positions.empty or bool(self._start & positions.last)
        self._set_bytes = 32 + len(positions.byte_sets) // 8
        self._rows: dict[int, list[Any]] = {}
        self.limit(_TABLE_WORDS)

    def limit(self, words: int) -> None:
        """Use up to ``words`` machine words for states, or as many as the least number of states takes."""
        self._most_rows = max(_LEAST_STATES, words // self._row_words())
        if len(self._rows) > self._most_rows:
            self._forget()

    def size(self) -> int:
        """Return about how many bytes of memory this takes, with the least number of states."""
        sets = len(self._of_class) + len(self._end_follow) + self._successors.sets()
        return 1024 + sets * self._set_bytes + _LEAST_STATES * self._row_words() * _WORD_BYTES

    def _row_words(self) -> int:
        return len(self._of_class) + _STATE_WORDS

    def search(self, data: bytes) -> bool:
        """Say whether there is a match anywhere. Raises OverBudgetError after ``MOST_STEPS`` steps."""
        if self._always:
            return True
        steps = 0
        row = self._row(self._start)
        symbols = data.translate(self._classes)
        for symbol in memoryview(symbols)[:-1]:
            following = row[symbol]
            if following is None:
                steps += 1
                if steps > MOST_STEPS:
                    raise OverBudgetError
                state = self._step(row[-1], symbol)
                if state & self._last:
                    return True
                if not state | self._anywhere:
                    return False
                following = row[symbol] = self._row(state)
            row = following
        return self._matches_at_end(row[-1], symbols[-1:], data.endswith(b"\n"))

    def _matches_at_end(self, before_last: int, last: bytes, newline: bool) -> bool:
        """Say whether a match ends with the contents, or in front of their last newline."""
        state = self._step(before_last, last[0]) if last else before_last
        loose = self._end_or_newline
        return (
            bool(state & self._last)
            or self._passes(state, loose | self._end)
            or (newline and self._passes(before_last, loose))
        )

    def _step(self, state: int, symbol: int) -> int:
        """Return the positions passed after one more byte."""
        return (self._successors.of(state) | self._anywhere) & self._of_class[symbol]

    def _passes(self, state: int, places: int) -> bool:
        """Say whether a match ends at this place, which is one of ``places``."""
        reached = (self._successors.of(state) | self._anywhere) & places
        return bool(closure(reached, places, self._end_follow.__getitem__) & places & self._last)

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
    return bytes(map(numbers.__getitem__, takes)), list(numbers)
