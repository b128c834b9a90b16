# SPDX-License-Identifier: MIT
"""Ctrl-C, and a terminal or parent that goes away, while a device is written to."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from devkit.flash.exit_status import INTERRUPTED
from devkit.host.errors import KitError

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def message_on_interrupt(what: str, remedy: str) -> Iterator[Callable[[str], None]]:
    """End with KitError FQ-FLASH-INTERRUPTED, which says ``what``, on SIGINT, SIGTERM and SIGHUP.

    What is yielded takes the words that hold from then on: no moment between two steps is without some.
    A signal that is ignored stays so: nohup means that a hang-up does not matter.
    """
    words = what

    def now(other: str) -> None:
        nonlocal words
        words = other

    heard = (number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN)
    before = {number: signal.signal(number, _interrupt) for number in heard}
    try:
        yield now
    except KeyboardInterrupt:
        raise KitError("FQ-FLASH-INTERRUPTED", words, remedy, status=INTERRUPTED) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
