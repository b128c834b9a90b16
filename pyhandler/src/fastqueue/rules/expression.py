# SPDX-License-Identifier: MIT
"""Compile an expression of a rule to something that searches any contents in bounded time.

Python's matcher is used for expressions whose steps on the worst contents are few; the automaton of
``linear`` for all others. An expression that neither can take is refused.
"""

from __future__ import annotations

import re
import warnings

from . import backtracking
from .linear import LinearPattern
from .positions import UnsupportedError
from .syntax import DOTALL, IGNORECASE, LOCALE, parse

#: Steps of Python's matcher for each byte of contents, beyond which the automaton costs less.
STEPS_PER_BYTE = 64
_LEAST_BYTES = 256  # so that short contents do not make an expression expensive
_PLAIN = re.compile(rb"\^?(?:\\x[0-9A-Fa-f]{2}|\\[^0-9A-Za-z]|[^\\.^$*+?{}\[\]()|])*", re.DOTALL)

Pattern = re.Pattern[bytes] | LinearPattern


class ExpressionError(Exception):
    """The expression is not taken.

    found:    what is wrong with it
    expected: what would be right
    """

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"{found}, expected {expected}")
        self.found = found
        self.expected = expected


def compile_expression(text: bytes, *, ignore_case: bool, first: int) -> Pattern:
    """Compile an expression that will search up to ``first`` bytes. Raises ExpressionError."""
    flags = DOTALL | (IGNORECASE if ignore_case else 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "possible nested set": for people who write Python
            return _choose(text, flags, first)
    except RecursionError:
        raise ExpressionError("groups nested too deeply", "a simpler expression") from None
    except (re.error, ValueError, OverflowError, MemoryError) as error:
        reason = "a number that is too large" if "int_max_str_digits" in str(error) else str(error)
        raise ExpressionError(reason or "no memory for it", "a regular expression of Python") from error


def _choose(text: bytes, flags: int, first: int) -> Pattern:
    if _PLAIN.fullmatch(text):
        return re.compile(text, flags)
    parsed = parse(text, flags)
    if parsed.flags & LOCALE:
        raise ExpressionError("the flag L", "an expression that means the same on every machine")
    allowed = STEPS_PER_BYTE * max(first, _LEAST_BYTES)
    found = backtracking.steps(parsed, first)
    if found <= allowed:
        return re.compile(text, flags)
    try:
        return LinearPattern(text, parsed)
    except UnsupportedError as error:
        raise ExpressionError(
            f"up to {_number(found)} steps for {first} bytes; without backtracking there is no {error}",
            f"an expression of at most {allowed} steps, or one without that",
        ) from None


def _number(steps: int) -> str:
    return "endless" if steps >= backtracking.LIMIT else str(steps)
