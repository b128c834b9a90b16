# SPDX-License-Identifier: MIT
"""Positions of a regular expression (Glushkov's automaton): one for each leaf. A set of them is an integer.

Beside bytes there are positions for places: the beginning, the end, and the end before a last newline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import NamedTuple

from .syntax import MULTILINE, Argument, Parsed, Tree, byte_set, flags_inside, op

#: Leaves after repeats are written out, and different sets of successors: what a step costs.
MOST_POSITIONS, MOST_GROUPS = 2048, 64


class UnsupportedError(Exception):
    """The expression is not regular, or too large; the text says what is in the way."""


class Fragment(NamedTuple):
    """A part: whether it may be empty, and the positions that it may begin and end with."""

    empty: bool
    first: int
    last: int


_EMPTY = Fragment(True, 0, 0)
_PLACES = {
    op.AT_BEGINNING: "beginning",
    op.AT_BEGINNING_STRING: "beginning",
    op.AT_END: "end_or_newline",
    op.AT_END_STRING: "end",
}
_NAMES = {
    op.GROUPREF: "reference to a group",
    op.GROUPREF_EXISTS: "condition on a group",
    op.ASSERT: "look ahead or back",
    op.ASSERT_NOT: "look ahead or back",
    op.ATOMIC_GROUP: "atomic group",
    op.POSSESSIVE_REPEAT: "possessive repeat",
    op.AT: "boundary of words or lines",
}


class Positions:
    """All positions of an expression, ``follow`` among them, and where a match begins and ends.

    Raises UnsupportedError.
    """

    def __init__(self, parsed: Parsed) -> None:
        self._parts = 0
        self.byte_sets: list[int] = []
        self.follow: list[int] = []
        self.beginning = self.end = self.end_or_newline = 0
        whole = self._sequence(parsed.tree, parsed.flags)
        self.empty = whole.empty
        self.first = whole.first
        self.last = whole.last
        ends = self.end | self.end_or_newline
        if any(self.follow[end] & ~ends for end in members(ends)):
            raise UnsupportedError("match of bytes behind $")

    def _sequence(self, tree: Tree, flags: int) -> Fragment:
        return reduce(self._join, (self._part(*part, flags) for part in tree), _EMPTY)

    def _part(self, operation: int, argument: Argument, flags: int) -> Fragment:
        single = byte_set(operation, argument, flags)
        if single is not None:
            return self._leaf(single)
        if operation is op.SUBPATTERN:
            return self._sequence(argument[-1], flags_inside(flags, argument))
        if operation is op.BRANCH:
            return reduce(_either, [self._sequence(each, flags) for each in argument[1]])
        if operation in (op.MAX_REPEAT, op.MIN_REPEAT):
            low, high, inner = argument
            return self._repeat(lambda: self._copy(inner, flags), int(low), high)
        if operation is op.AT and argument in _PLACES and not flags & MULTILINE:
            name = _PLACES[argument]
            leaf = self._leaf(0)
            setattr(self, name, getattr(self, name) | leaf.first)
            return leaf
        if operation is op.FAILURE:
            return Fragment(False, 0, 0)
        raise UnsupportedError(_NAMES.get(operation, str(operation).lower()))

    def _copy(self, tree: Tree, flags: int) -> Fragment:
        self._parts += 1
        if self._parts > MOST_POSITIONS:
            raise UnsupportedError(
                f"way to have more than {MOST_POSITIONS} parts with its repeats written out"
            )
        return self._sequence(tree, flags)

    def _leaf(self, single: int) -> Fragment:
        if len(self.follow) >= MOST_POSITIONS:
            raise UnsupportedError(
                f"way to have more than {MOST_POSITIONS} bytes with its repeats written out"
            )
        bit = 1 << len(self.follow)
        self.byte_sets.append(single)
        self.follow.append(0)
        return Fragment(False, bit, bit)

    def _repeat(self, part: Callable[[], Fragment], low: int, high: Argument) -> Fragment:
        """Write a repeat out: ``x{2,4}`` is ``xx(x(x)?)?``, ``x{2,}`` is ``xx+``."""
        if high is op.MAXREPEAT:
            copies = [part() for _ in range(max(low, 1))]
            self._connect(copies[-1].last, copies[-1].first)
            if low == 0:
                copies[0] = copies[0]._replace(empty=True)
            return reduce(self._join, copies, _EMPTY)
        copies = [part() for _ in range(int(high))]
        tail = _EMPTY
        for copy in reversed(copies[low:]):
            tail = self._join(copy, tail)._replace(empty=True)
        return self._join(reduce(self._join, copies[:low], _EMPTY), tail)

    def _join(self, one: Fragment, two: Fragment) -> Fragment:
        self._connect(one.last, two.first)
        return Fragment(
            one.empty and two.empty,
            one.first | (two.first if one.empty else 0),
            two.last | (one.last if two.empty else 0),
        )

    def _connect(self, last: int, first: int) -> None:
        for position in members(last):
            self.follow[position] |= first


def _either(one: Fragment, two: Fragment) -> Fragment:
    return Fragment(one.empty or two.empty, one.first | two.first, one.last | two.last)


def members(found: int) -> Iterator[int]:
    """Go through a set's members."""
    while found:
        low = found & -found
        yield low.bit_length() - 1
        found ^= low


def closure(found: int, places: int, follow: Callable[[int], int]) -> int:
    """Add what follows those of ``places`` that are in the set, as they match no byte themselves."""
    done = 0
    while new := found & places & ~done:
        done |= new
        for place in members(new):
            found |= follow(place)
    return found


class Successors:
    """Which positions follow those of a set, in few operations on whole sets.

    Most are followed by their neighbour: a shift. The others are grouped by equal sets of successors.
    Raises UnsupportedError if those are too many.
    """

    def __init__(self, follow: list[int]) -> None:
        self._chain = 0
        groups: dict[int, int] = {}
        for position, following in enumerate(follow):
            neighbour = 2 << position
            if following & neighbour:
                self._chain |= 1 << position
            if others := following & ~neighbour:
                groups[others] = groups.get(others, 0) | 1 << position
        self._groups = [(members, others) for others, members in groups.items()]
        if len(groups) > MOST_GROUPS:
            raise UnsupportedError(f"way to have more than {MOST_GROUPS} kinds of successors")

    def sets(self) -> int:
        """Return how many sets of positions are kept."""
        return 1 + 2 * len(self._groups)

    def of(self, found: int) -> int:
        """Return all that may follow."""
        following = (found & self._chain) << 1
        for group, others in self._groups:
            if found & group:
                following |= others
        return following
