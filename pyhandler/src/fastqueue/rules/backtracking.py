# SPDX-License-Identifier: MIT
"""An upper bound on the steps that Python's backtracking matcher takes to search some bytes.

The bound multiplies, from left to right, the number of ways in which each part can match by the steps of
what follows. A repeat counts as one way if the next part begins with a byte that the repeat does not match:
after a shorter run, the next byte is one of the repeat's own. Numbers end at ``LIMIT``: "too many".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .syntax import (
    ALL_BYTES,
    ASSERTIONS,
    MULTILINE,
    REPEATS,
    Argument,
    Parsed,
    Tree,
    byte_set,
    flags_inside,
    op,
)

LIMIT = 1 << 40


class Bound(NamedTuple):
    """What is known about a part of an expression.

    ways:  places at which the next part is entered and not refused at its first byte
    steps: to find all of them, refusals included
    least: bytes of the shortest match
    first: bytes that a match which is not empty may begin with
    leads: steps after which the part refuses a byte that is not in ``first``
    """

    ways: int
    steps: int
    least: int
    first: int
    leads: int


class After(NamedTuple):
    """What follows a part: its first bytes, steps after which it refuses others, whether it is nothing."""

    first: int
    leads: int
    end: bool = False


#: Nothing follows: the search has succeeded and never comes back for another way.
_END = After(0, 0, end=True)
_ANYTHING = After(ALL_BYTES, 1)


def steps(parsed: Parsed, length: int) -> int:
    """Return an upper bound on the steps of a search through ``length`` bytes."""
    whole = _Analysis(parsed.group_widths, length).sequence(parsed.tree, parsed.flags, _END)
    starts = length + 1
    searched = whole.steps if _anchored(parsed.tree, parsed.flags) else starts * whole.steps
    return min(LIMIT, searched + starts * (whole.leads + 1) + length)


class _Analysis:
    """Bounds of the parts of one expression on texts of up to ``length`` bytes."""

    def __init__(self, group_widths: list[int], length: int) -> None:
        self._group_widths = group_widths
        self._length = length
        self._known: dict[int, Bound] = {}  # of trees that live as long as this does

    def sequence(self, tree: Tree, flags: int, after: After) -> Bound:
        """Bound parts in a row, from the last to the first."""
        whole = Bound(1, 0, 0, 0, 0)
        for operation, argument in reversed(tree):
            part = self._part(operation, argument, flags, after)
            whole = _join(part, whole)
            after = _before(part, after)
        return whole

    def _alone(self, tree: Tree, flags: int) -> Bound:
        """Bound a part that anything may follow; kept, since nested repeats ask again and again."""
        found = self._known.get(id(tree))
        if found is None:
            found = self._known[id(tree)] = self.sequence(tree, flags, _ANYTHING)
        return found

    def _part(self, operation: int, argument: Argument, flags: int, after: After) -> Bound:
        """Bound one part; ``after`` is all that follows it, outside its group too."""
        single = byte_set(operation, argument, flags)
        if single is not None:
            return Bound(1, 1, 1, single, 1)
        if operation in REPEATS:
            return self._repeat(operation, argument, flags, after)
        if operation is op.SUBPATTERN:
            found = self.sequence(argument[-1], flags_inside(flags, argument), after)
            return found._replace(steps=found.steps + 1, leads=found.leads + 1)
        if operation is op.BRANCH:
            return _either([self.sequence(each, flags, after) for each in argument[1]])
        return self._special(operation, argument, flags)

    def _special(self, operation: int, argument: Argument, flags: int) -> Bound:
        """Bound what matches in one way or not at all."""
        if operation in ASSERTIONS:
            cost = self._alone(argument[1], flags).steps + 1
            return Bound(1, cost, 0, 0, cost)
        if operation is op.ATOMIC_GROUP:
            return self._alone(argument, flags)._replace(ways=1)
        if operation is op.GROUPREF:
            cost = min(self._length, self._group_widths[argument]) + 1
            return Bound(1, cost, 0, ALL_BYTES, cost)
        if operation is op.GROUPREF_EXISTS:
            _, yes, no = argument
            return _either([self._alone(each, flags) for each in (yes, no or ())])
        return Bound(1, 1, 0, 0, 1)  # a place such as ^, or what never matches

    def _repeat(self, operation: int, argument: Argument, flags: int, after: After) -> Bound:
        low, high, inner = int(argument[0]), int(argument[1]), argument[2]
        single = byte_set(inner[0][0], inner[0][1], flags) if len(inner) == 1 else None
        if single is not None:
            found = self._repeat_byte(single, low, high, after)
        else:
            found = self._repeat_body(inner, flags, low, high, after)
        return found._replace(ways=1) if operation is op.POSSESSIVE_REPEAT else found

    def _repeat_byte(self, single: int, low: int, high: int, after: After) -> Bound:
        least = min(low, LIMIT)
        most = min(high, self._length)
        if after.end:  # one more than the least number is taken once only, which steps() adds
            return Bound(1, min(least, most) + 1, least, single, 1)
        ways = max(1, most - low + 1)
        if single & after.first:
            return Bound(ways, most + 1, least, single, 1)
        return Bound(1, most + 1 + ways * after.leads, least, single, 1)

    def _repeat_body(self, inner: Tree, flags: int, low: int, high: int, after: After) -> Bound:
        alone = self._alone(inner, flags)
        body = self.sequence(inner, flags, After(alone.first | after.first, alone.leads + after.leads))
        most = min(high, self._length // body.least if body.least else max(low, self._length + 1))
        tries = _sum_of_powers(body.ways, most)
        apart = body.least and body.ways == 1 and not body.first & after.first and not after.end
        leads = (low if low and not body.least else 1) * (body.leads + 1) + 1
        return Bound(
            ways=1 if apart else tries,
            steps=min(LIMIT, tries * (body.steps + after.leads + 1)),
            least=min(LIMIT, low * body.least),
            first=body.first,
            leads=min(LIMIT, leads),
        )


def _join(part: Bound, rest: Bound) -> Bound:
    """Bound a part and what comes after it in its sequence."""
    empty = not part.least
    return Bound(
        ways=min(LIMIT, part.ways * rest.ways),
        steps=min(LIMIT, part.steps + part.ways * rest.steps),
        least=min(LIMIT, part.least + rest.least),
        first=part.first | (rest.first if empty else 0),
        leads=min(LIMIT, part.leads + (rest.leads if empty else 0)),
    )


def _before(part: Bound, after: After) -> After:
    """Return what follows the part in front of ``part``."""
    if part.least:
        return After(part.first, part.leads)
    return After(part.first | after.first, part.leads + after.leads)


def _either(found: Sequence[Bound]) -> Bound:
    """Bound alternatives: at most one is taken if none is empty and no two begin with the same byte."""
    seen, apart = 0, True
    for each in found:
        apart = apart and each.least > 0 and not seen & each.first
        seen |= each.first
    count = max if apart else sum
    leads = len(found) + sum(each.leads for each in found)
    return Bound(
        ways=min(LIMIT, count(each.ways for each in found)),
        steps=min(LIMIT, leads + count(each.steps for each in found)),
        least=min(each.least for each in found),
        first=seen,
        leads=leads,
    )


def _sum_of_powers(base: int, highest: int) -> int:
    """Return 1 + base + base^2 + ... up to the power ``highest``, LIMIT at most."""
    if base <= 1:
        return min(LIMIT, highest + 1)
    total = power = 1
    for _ in range(min(highest, LIMIT.bit_length())):
        power *= base
        total += power
    return min(LIMIT, total)


def _anchored(tree: Tree, flags: int) -> bool:
    """Say whether a match can only begin where the text does."""
    for operation, argument in tree:
        if operation is op.AT:
            at_line = argument is op.AT_BEGINNING
            return argument is op.AT_BEGINNING_STRING or (at_line and not flags & MULTILINE)
        if operation is op.SUBPATTERN:
            return _anchored(argument[-1], flags_inside(flags, argument))
        return operation is op.BRANCH and all(_anchored(each, flags) for each in argument[1])
    return False
