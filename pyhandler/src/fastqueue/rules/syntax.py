# SPDX-License-Identifier: MIT
"""The parse tree of a regular expression, as Python's own parser builds it, and the byte sets of its leaves.

A tree is a sequence of pairs ``(operation, argument)``. The parser is the one that ``re.compile`` calls, so
an expression never means one thing here and another there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple, TypeAlias

#: Python's names of operations.
op: Any = _constants
Argument: TypeAlias = Any
Tree: TypeAlias = Sequence[tuple[int, Argument]]

ALL_BYTES = (1 << 256) - 1
_NEWLINE = 1 << 10
# Plain numbers: an operation on enumerations takes a microsecond.
DOTALL, IGNORECASE, LOCALE, MULTILINE = map(int, (re.DOTALL, re.IGNORECASE, re.LOCALE, re.MULTILINE))
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
ASSERTIONS = (op.ASSERT, op.ASSERT_NOT)
_SINGLE = (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN)


class Parsed(NamedTuple):
    """An expression: its tree, its flags, and the widest match of each group by number."""

    tree: Tree
    flags: int
    group_widths: list[int]


def parse(text: bytes, flags: int) -> Parsed:
    """Parse an expression. Raises what ``re.compile`` does, re.error, ValueError and OverflowError too."""
    tree = _parser.parse(text, flags)
    widths = [0 if width is None else int(width[1]) for width in tree.state.groupwidths]
    return Parsed(tree, int(tree.state.flags), widths)


def flags_inside(flags: int, group: tuple[Any, int, int, Tree]) -> int:
    """Return the flags that hold inside a group such as ``(?i:...)``."""
    _, added, removed, _ = group
    return (flags | added) & ~removed


def byte_set(operation: int, argument: Argument, flags: int) -> int | None:
    """Return the bytes that a leaf matches, one bit for each; None if it does not match exactly one byte."""
    if operation is op.LITERAL and not flags & IGNORECASE:
        return 1 << int(argument)
    if operation not in _SINGLE:
        return None
    if operation is op.ANY:
        return ALL_BYTES if flags & DOTALL else ALL_BYTES & ~_NEWLINE
    items = argument if operation is op.IN else [(op.LITERAL, argument)]
    negated = operation is op.NOT_LITERAL
    found = 0
    for kind, value in items:
        if kind is op.NEGATE:
            negated = True
        else:
            found |= _item(kind, value)
    if flags & IGNORECASE:
        found = _both_cases(found)
    return ALL_BYTES & ~found if negated else found


def _item(kind: int, value: Argument) -> int:
    """Return the bytes of one member of a class."""
    if kind is op.LITERAL:
        return 1 << int(value)
    if kind is op.RANGE:
        low, high = int(value[0]), int(value[1])
        return (1 << high + 1) - (1 << low)
    return _CATEGORIES[value]


def bits(values: Iterable[int]) -> int:
    """Return a set of small numbers, one bit for each."""
    found = 0
    for value in values:
        found |= 1 << value
    return found


def _both_cases(found: int) -> int:
    upper = found & _UPPER
    lower = found & _LOWER
    return found | upper << 32 | lower >> 32


def _category(expression: bytes) -> int:
    pattern = re.compile(expression)
    return bits(byte for byte in range(256) if pattern.match(bytes((byte,))))


_UPPER = bits(range(ord("A"), ord("Z") + 1))
_LOWER = bits(range(ord("a"), ord("z") + 1))
_CATEGORIES: dict[int, int] = {
    op.CATEGORY_DIGIT: _category(rb"\d"),
    op.CATEGORY_NOT_DIGIT: _category(rb"\D"),
    op.CATEGORY_SPACE: _category(rb"\s"),
    op.CATEGORY_NOT_SPACE: _category(rb"\S"),
    op.CATEGORY_WORD: _category(rb"\w"),
    op.CATEGORY_NOT_WORD: _category(rb"\W"),
}
