# SPDX-License-Identifier: MIT
"""Ring and frames with their loops in C: what ``plain`` does, in the extension ``_ring``."""

from __future__ import annotations

from . import _ring, abi
from .frame import Frame
from .ring import ENDED, Poll, Ring


class AcceleratedFrame(_ring.Frame, Frame):
    """A frame of the extension."""

    __slots__ = ()
    _accept_with = Frame.accept  # what the extension calls for more than a plain verdict


class AcceleratedRing(_ring.Ring, Ring):
    """A ring whose loops are C; shared words are read with acquire and stored with release semantics."""

    def __init__(
        self, answer: memoryview, meta: memoryview, payload: memoryview, frames: int, frame_size: int
    ) -> None:
        """See Ring."""
        super().__init__(frames, frame_size, AcceleratedFrame)
        self.attach(answer, meta, payload)
        self.fo = self.control[abi.CONTROL_FO]

    def attach(self, answer: memoryview, meta: memoryview, payload: memoryview) -> None:
        """See Ring."""
        Ring.attach(self, answer, meta, payload)
        self._attach(self.control, self.words, self.status, self.heads, self.payload)

    def answer_all(self, answer: int, poll: Poll, *, timer_only: bool) -> None:
        """See Ring."""
        answer_new = self.answer_new
        events: list[tuple[int, int]] = []
        while answer_new(answer) or not events or not events[0][1] & ENDED:
            if not timer_only or self.status[abi.STATUS_FA] == self.fo:
                events = poll()

    def release(self) -> bool:
        """See Ring."""
        self._detach()
        return Ring.release(self)
