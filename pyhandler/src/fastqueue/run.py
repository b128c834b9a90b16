# SPDX-License-Identifier: MIT
"""Run a handler in the foreground until a signal ends it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from . import backend
from .errors import QueueError
from .handlers import Handler
from .options import RingOptions
from .queue import Queue

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LOOK_S = 0.5
_Action = Callable[[int, FrameType | None], Any] | int | None


class _StopError(BaseException):
    """SIGINT or SIGTERM came; not an Exception, so that no handler's code catches it."""


def run_handler(handler: Handler, request: RingOptions, *, one_by_one: bool = False) -> None:
    """Open the queue, say ``ready``, handle packets until SIGINT or SIGTERM, print the counters.

    Raises QueueError. A signal is an exception where it arrives, which costs packets nothing.
    """
    before = _catch_signals()
    try:
        with Queue(request) as queue:
            print(
                f"ready: queue {request.queue}, {request.frames} frames of {request.frame_size} bytes, "
                f"{backend.current.name}",
                flush=True,
            )
            with suppress(_StopError):
                _serve(handler, queue, one_by_one)
                raise QueueError("the kernel closed the queue", "its namespace or the module is going")
            queue.kick()
            print_counters(queue, getattr(handler, "cut", 0), getattr(handler, "over_budget", 0))
    except _StopError:
        pass
    finally:
        _restore_signals(before)


def _serve(handler: Handler, queue: Queue, one_by_one: bool) -> None:
    if not one_by_one:
        handler.serve(queue)
        return
    answer = handler.frame
    for frame in queue:
        answer(frame)


def _catch_signals() -> dict[signal.Signals, _Action]:
    """Have SIGINT and SIGTERM stop the handler; return what they did before.

    The interpreter notices a signal between two instructions or inside ``poll``; one that arrives just
    before ``poll`` would wait for the next packet. The alarm interrupts the sleep twice a second.
    """
    before = {number: signal.getsignal(number) for number in (*_SIGNALS, signal.SIGALRM)}
    for number in _SIGNALS:
        signal.signal(number, _stop)
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_S, _LOOK_S)
    return before


def _restore_signals(before: dict[signal.Signals, _Action]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, action in before.items():
        signal.signal(number, action)


def _stop(number: int, frame: FrameType | None) -> None:
    for each in _SIGNALS:  # a second one must not disturb the end
        signal.signal(each, signal.SIG_IGN)
    raise _StopError


def print_counters(queue: Queue, cut: int = 0, over_budget: int = 0) -> None:
    """Print the kernel's counters in one line, and how many packets got the default of the rules, if any."""
    stats = queue.stats()
    print(
        f"queue {queue.request.queue}: received {stats.received}, accepted {stats.accepted}, "
        f"dropped {stats.dropped}, flushed {stats.flushed + stats.occupied}, "
        f"default action {stats.default_accepted + stats.default_dropped}"
        + (f", cut short {cut}" if cut else "")
        + (f", over budget {over_budget}" if over_budget else ""),
        flush=True,
    )
