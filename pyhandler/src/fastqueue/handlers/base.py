# SPDX-License-Identifier: MIT
"""The protocol of a handler, and the loop most of them share."""

from __future__ import annotations

from typing import Protocol

from ..flows import Decide
from ..frame import Frame
from ..queue import Queue


class Handler(Protocol):
    """Decides about packets, many at a time or one by one, with the same result."""

    def serve(self, queue: Queue) -> None:
        """Answer batches until the kernel closes the queue."""

    def frame(self, frame: Frame) -> None:
        """Answer one frame."""


class ContentHandler:
    """A handler that looks at each packet's bytes and at nothing else.

    A subclass has ``decide(payload)``, which returns ``abi.ANSWER_ACCEPT`` or ``abi.ANSWER_DROP``.
    """

    def decide(self, view: memoryview) -> int:
        """Decide about the packet with these captured bytes, from the network header on."""
        raise NotImplementedError

    def quickest(self) -> Decide:
        """Return what batches call for each packet: ``decide``, or something quicker with its results."""
        return self.decide

    def serve(self, queue: Queue) -> None:
        """Answer batches until the kernel closes the queue."""
        decide = self.quickest()
        for batch in queue.batches():
            batch.decide(decide)

    def frame(self, frame: Frame) -> None:
        """Answer one frame."""
        frame.answer(self.decide(frame.payload))
