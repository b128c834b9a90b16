# SPDX-License-Identifier: MIT
"""A queue: what a handler opens, waits on and answers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import chain
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from . import abi
from .batch import Batch
from .device import Device
from .errors import QueueClosedError
from .frame import Frame
from .options import RingOptions, pack_settings
from .ring import ENDED, Poll, Ring
from .stats import Stats


class Backend(Protocol):
    """What a queue needs of its device; tests bring a model of the kernel."""

    @property
    def ring(self) -> Ring:
        """See Device."""

    @property
    def poll(self) -> Poll:
        """See Device."""

    def fileno(self) -> int:
        """See Device."""

    def kick(self) -> None:
        """See Device."""

    def set(self, settings: bytes) -> None:
        """See Device."""

    def resize(self, request: RingOptions) -> None:
        """See Device."""

    def stats(self) -> Stats:
        """See Device."""

    def close(self) -> bool:
        """See Device."""


class Queue:
    """One netfilter queue, and the only handler of its number.

    Iterate over it for frames one by one, over ``batches()`` for all that wait at once.
    Works with ``select``, ``selectors`` and (``fastqueue.aio``) asyncio. One thread a queue.
    """

    def __init__(
        self, request: RingOptions | int, *, backend: Backend | None = None, path: str = abi.DEVICE
    ) -> None:
        """Open queue number ``request``, or the ring it describes. Raises QueueError."""
        self.request = request if isinstance(request, RingOptions) else RingOptions(request)
        self._device = backend or Device(self.request, path)
        self._ring = self._device.ring
        self._timer_only = self.request.timer_only

    def fileno(self) -> int:
        """Return the file descriptor for ``select`` and its kin."""
        return self._device.fileno()

    def wait(self, timeout: float | None = None) -> Batch:
        """Return all frames that wait; sleep up to ``timeout`` seconds for the first.

        The frames handed out before count as taken from now on. The batch is empty
        when the time is over (``wait(0)``: never sleeps). Raises QueueClosedError.
        """
        ring, poll = self._ring, self._device.poll
        ring.publish()
        milliseconds = None if timeout is None else max(0, round(timeout * 1000))
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            awake = self._timer_only and ring.status[abi.STATUS_FA] != ring.fo
            events = [] if awake else poll(milliseconds)
            first, number = ring.take()
            if number:
                return Batch(ring, first, number)
            if events and events[0][1] & ENDED:
                raise QueueClosedError("the kernel closed the queue")
            if deadline is not None:
                milliseconds = round((deadline - monotonic()) * 1000)
                if milliseconds <= 0:
                    return Batch(ring, first, 0)
            ring.publish()  # frames that left unseen count as taken, or poll would not sleep

    def done(self) -> None:
        """Count all frames handed out as taken, so that ``select`` reports only newer ones.

        ``wait`` and the ``_all`` methods of a batch do it too; needed before sleeping
        in somebody else's loop.
        """
        self._ring.publish()

    def batches(self) -> Iterator[Batch]:
        """Go through batches until the kernel closes the queue."""
        try:
            while True:
                yield self.wait()
        except QueueClosedError:
            return

    def __iter__(self) -> Iterator[Frame]:
        """Go through frames until the kernel closes the queue."""
        return chain.from_iterable(self.batches())

    def answer_all(self, answer: int) -> None:
        """Give every packet the same ``abi.ANSWER_*`` until the kernel closes the queue.

        What ``for batch in batches(): batch.accept_all()`` does, for less.
        """
        self._ring.answer_all(answer, self._device.poll, timer_only=self._timer_only)

    def kick(self) -> None:
        """Let the sender settle answered frames at once; ``wait`` does it too, except in timer-only mode."""
        self._device.kick()

    def set(
        self,
        *,
        default_action: str | None = None,
        period_us: int | None = None,
        timeout_ms: int | None = None,
        copy_range: int | None = None,
        limit: int | None = None,
        gso: bool | None = None,
        timestamp: bool | None = None,
        uid: bool | None = None,
    ) -> None:
        """Change the live queue; what is None stays. Raises QueueError.

        ``limit``: packets that may be out at once, 0 for as many as there are frames; the others
        are as in RingOptions, the last three for packets to come.
        """
        wanted = self.request.changed(
            default_action=default_action,
            period_us=period_us,
            timeout_ms=timeout_ms,
            copy_range=copy_range,
            gso=gso,
            timestamp=timestamp,
            uid=uid,
        )
        flags = None if (gso, timestamp, uid) == (None, None, None) else wanted.flags & abi.F_LIVE
        self._device.set(
            pack_settings(
                default_action=default_action,
                period_us=period_us,
                timeout_ms=timeout_ms,
                copy_range=copy_range,
                limit=limit,
                flags=flags,
            )
        )
        self.request = wanted

    def resize(
        self, *, frames: int | None = None, frame_size: int | None = None, copy_range: int | None = None
    ) -> None:
        """Exchange the ring for one of other sizes without losing a packet; what is None stays.

        Frames handed out before are void: those that have no verdict yet come again.
        Raises QueueError, also while a payload is held; the old ring stays then.
        """
        request = self.request.changed(frames=frames, frame_size=frame_size, copy_range=copy_range)
        self._device.resize(request)
        self.request = request
        self._ring = self._device.ring

    def stats(self) -> Stats:
        """Return the kernel's counters."""
        return self._device.stats()

    def close(self) -> None:
        """Give the queue up. Frames without a verdict get the default action."""
        if not self._device.close():
            warnings.warn("bytes of a frame are still held; the queue ends with them", ResourceWarning, 2)

    def __enter__(self) -> Self:
        """Return the queue."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the queue."""
        self.close()
