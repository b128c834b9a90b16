# SPDX-License-Identifier: MIT
"""Which implementation does the loops over packets: the C extension where there is one, else plain Python.

The environment's ``FASTQUEUE_IMPLEMENTATION`` says otherwise: ``python`` takes plain Python, ``c`` the
extension or nothing. Results are the same. A wish that cannot be met is an ImportError where the
implementation is first asked for, so that the command line can report it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, NamedTuple

from . import ordering
from .flows import Decide, Flows, PlainFlows
from .ring import Ring
from .ring_python import PlainRing

VARIABLE: Final = "FASTQUEUE_IMPLEMENTATION"


class Implementation(NamedTuple):
    """What differs between the two."""

    name: str  # for people
    ring: Callable[[memoryview, memoryview, memoryview, int, int], Ring]
    flows: Callable[[Decide, int], Flows]
    check: Callable[[], None]  # raises QueueError if this machine cannot run it


PLAIN: Final = Implementation("plain Python", PlainRing, PlainFlows, ordering.check_plain)


def accelerated() -> Implementation:
    """Return the one with the C extension; ImportError where that was not built."""
    from . import _ring
    from .ring_c import AcceleratedRing

    return Implementation("C extension", AcceleratedRing, _ring.Flows, ordering.check_extension)


def choose(wish: str) -> Implementation:
    """Return what ``wish`` names: ``c``, ``python``, or empty for the quicker one that is there."""
    if wish == "python":
        return PLAIN
    if wish not in ("", "c"):
        raise ImportError(f"{VARIABLE} is {wish!r}; take c or python")
    try:
        return accelerated()
    except ImportError as error:
        if wish:
            raise ImportError(f"{VARIABLE} is c, but there is no C extension: {error}") from error
        return PLAIN


#: What queues opened from now on use; chosen when it is first asked for.
current: Implementation


def __getattr__(name: str) -> Implementation:
    """Choose the current implementation. Raises ImportError."""
    if name != "current":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = choose(os.environ.get(VARIABLE, ""))
    return found
