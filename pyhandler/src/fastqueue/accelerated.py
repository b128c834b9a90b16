# SPDX-License-Identifier: MIT
"""Ring and frames with their loops in C: what ``plain`` does, in the extension ``_ring``."""

from __future__ import annotations

from . import _ring, abi
from .frame import Frame
from .ring import Ring


class AcceleratedFrame(_ring.Frame, Frame):
    """A frame of the extension."""

    __slots__ = ()
    _accept_with = Frame.accept  # what the extension calls for more than a plain verdict


class AcceleratedRing(_ring.Ring, Ring):
    """A ring whose loops are C; its words are stored with release semantics."""

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

    def release(self) -> bool:
        """See Ring."""
        self._detach()
        return Ring.release(self)
