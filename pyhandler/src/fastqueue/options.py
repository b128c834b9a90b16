# SPDX-License-Identifier: MIT
"""What a handler asks of the kernel: the ring to allocate, and changes to a live queue."""

from __future__ import annotations

import errno
from typing import Any, NamedTuple, Self

from . import abi
from .errors import QueueError

ACTIONS = {"accept": abi.ACCEPT, "drop": abi.DROP}
_PERIODS = (abi.MIN_PERIOD_US, abi.MAX_PERIOD_US)


class RingOptions(NamedTuple):
    """Parameters of a ring; the defaults are the paper's where it has some.

    queue:          number in the netfilter rule (``queue num N``)
    frames:         a power of two
    frame_size:     bytes of payload room a frame, a multiple of 64
    copy_range:     bytes of a packet to copy at most, 0: ``frame_size``
    default_action: ``accept`` or ``drop``, where no handler decides
    period_us:      of the sender's timer, 0: the kernel's 1000
    timeout_ms:     time limit of a frame that nobody answers, 0: none
    timer_only:     settle on the timer alone, as the paper does, and not when the handler polls
    unordered:      settle frames as they are answered, not in the order they came
    gso:            take GSO packets whole, with checksums still open
    writable:       payload may be changed
    timestamp:      stamp packets that have no time yet
    uid:            tell the owner of local sockets
    """

    queue: int
    frames: int = 2048
    frame_size: int = 2048
    copy_range: int = 0
    default_action: str = "drop"
    period_us: int = 0
    timeout_ms: int = 1000
    timer_only: bool = False
    unordered: bool = False
    gso: bool = False
    writable: bool = False
    timestamp: bool = False
    uid: bool = False

    @property
    def flags(self) -> int:
        """The same as ``abi.F_*``."""
        return (
            self.timer_only * abi.F_TIMER_ONLY
            | self.unordered * abi.F_UNORDERED
            | self.gso * abi.F_GSO
            | self.writable * abi.F_WRITABLE
            | self.timestamp * abi.F_TIMESTAMP
            | self.uid * abi.F_UID
        )

    def changed(self, **fields: int | str | bool | None) -> Self:
        """Return a copy with other values for ``fields``; those that are None stay."""
        given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        return self._replace(**given)

    def check(self) -> None:
        """Raise QueueError (EINVAL) with the first parameter that is out of its limits."""
        _range("queue", self.queue, 0, abi.MAX_QUEUE)
        _range("frames", self.frames, abi.MIN_FRAMES, abi.MAX_FRAMES)
        _need(self.frames & (self.frames - 1) == 0, f"frames is {self.frames}", "take a power of two")
        _range("frame size", self.frame_size, abi.MIN_FRAME_SIZE, abi.MAX_FRAME_SIZE)
        _need(self.frame_size % 64 == 0, f"frame size is {self.frame_size}", "take a multiple of 64")
        _range("copy range", self.copy_range, 0, self.frame_size)
        _check_action(self.default_action)
        if self.period_us:
            _range("period", self.period_us, *_PERIODS)
        _range("time limit", self.timeout_ms, 0, abi.COUNT_MASK)

    def pack(self) -> bytearray:
        """Return ``struct fastqueue_ring`` for IOC_ALLOC, which the kernel fills in."""
        return bytearray(
            abi.RING.pack(
                abi.ABI_VERSION,
                abi.RING.size,
                self.queue,
                self.frames,
                self.frame_size,
                self.copy_range,
                ACTIONS[self.default_action],
                self.period_us,
                self.timeout_ms,
                self.flags,
                *(0,) * 6,
            )
        )


def pack_settings(
    *,
    default_action: str | None = None,
    period_us: int | None = None,
    timeout_ms: int | None = None,
    copy_range: int | None = None,
    limit: int | None = None,
    flags: int | None = None,
) -> bytes:
    """Return ``struct fastqueue_settings``; None leaves a field as it is. Raises QueueError (EINVAL).

    ``flags``: all of ``abi.F_LIVE`` that are to hold from now on.
    """
    _check_action("drop" if default_action is None else default_action)
    _range("period", abi.MIN_PERIOD_US if period_us is None else period_us, *_PERIODS)
    _range("time limit", timeout_ms or 0, 0, abi.COUNT_MASK)
    _range("copy range", 1 if copy_range is None else copy_range, 1, abi.MAX_FRAME_SIZE)
    _range("limit", limit or 0, 0, abi.COUNT_MASK)
    changes = (
        (abi.SET_DEFAULT_ACTION, None if default_action is None else ACTIONS[default_action]),
        (abi.SET_PERIOD, period_us),
        (abi.SET_TIMEOUT, timeout_ms),
        (abi.SET_COPY_RANGE, copy_range),
        (abi.SET_LIMIT, limit),
        (abi.SET_FLAGS, flags),
    )
    fields = sum(bit for bit, value in changes if value is not None)
    return abi.SETTINGS.pack(fields, *(value or 0 for _, value in changes))


def _check_action(action: str) -> None:
    _need(action in ACTIONS, f"default action is {action!r}", "take accept or drop")


def _range(name: str, value: int, low: int, high: int) -> None:
    _need(low <= value <= high, f"{name} is {value}", f"take {low} to {high}")


def _need(good: bool, what: str, remedy: str) -> None:
    if not good:
        raise QueueError(what, remedy, errno.EINVAL)
