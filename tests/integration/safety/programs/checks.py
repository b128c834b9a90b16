# SPDX-License-Identifier: MIT
"""Assertions that say what they found: nothing rewrites ``assert`` in the target."""

import errno
import time
from collections.abc import Callable
from typing import Any


def same(found: object, wanted: object, what: str) -> None:
    """Fail unless both are equal."""
    if found != wanted:
        raise AssertionError(f"{what}: found {_short(found)}, wanted {_short(wanted)}{_first(found, wanted)}")


def _first(found: object, wanted: object) -> str:
    """Where two long lists begin to differ."""
    if not isinstance(found, list) or not isinstance(wanted, list) or len(wanted) < 20:
        return ""
    pairs = enumerate(zip(found, wanted, strict=False))
    place = next((number for number, (one, other) in pairs if one != other), min(len(found), len(wanted)))
    near = slice(max(0, place - 3), place + 10)
    return f"; {len(found)} of {len(wanted)}, at {place}: found {found[near]}, wanted {wanted[near]}"


def _short(thing: object) -> str:
    text = repr(thing)
    return text if len(text) < 500 else f"{text[:200]} ... {text[-200:]} ({len(text)} characters)"


def holds(condition: object, what: str) -> None:
    """Fail unless it is so."""
    if not condition:
        raise AssertionError(what)


def refused(number: int, call: Callable[..., Any], *arguments: object, what: str = "") -> None:
    """Fail unless the call raises OSError with this errno."""
    name = f"{what or getattr(call, '__name__', call)}{arguments if not what else ''}"
    try:
        call(*arguments)
    except OSError as error:
        found = errno.errorcode.get(error.errno or 0, str(error.errno))
        same(found, errno.errorcode[number], name)
    else:
        raise AssertionError(f"{name}: not refused, wanted {errno.errorcode[number]}")


def eventually(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait until it is so."""
    until = time.monotonic() + seconds
    while not condition():
        holds(time.monotonic() < until, f"not within {seconds:.0f} s: {what}")
        time.sleep(0.01)
