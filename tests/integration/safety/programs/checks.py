# SPDX-License-Identifier: MIT
"""Assertions that say what they found: nothing rewrites ``assert`` in the target."""

import errno
import time
from collections.abc import Callable
from typing import Any


def same(found: object, wanted: object, what: str) -> None:
    """Fail unless both are equal."""
    if found != wanted:
        raise AssertionError(f"{what}: found {_short(found)}, wanted {_short(wanted)}")


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
