# SPDX-License-Identifier: MIT
"""The protocol of a handler, and the loop most of them share."""

from __future__ import annotations

import errno
from typing import Protocol

from ..errors import QueueError
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

    needs:       bytes of a packet that a ring has to copy for it
    cut:         packets that got the default because fewer were captured
    over_budget: packets that got the default because to look at them would have taken too long
    """

    needs: int = 0
    cut: int = 0
    over_budget: int = 0

    def decide(self, view: memoryview) -> int:
        """Decide about the packet with these captured bytes, from the network header on."""
        raise NotImplementedError

    def quickest(self) -> Decide:
        """Return what batches call for each packet: ``decide``, or something quicker with its results."""
        return self.decide

    def serve(self, queue: Queue) -> None:
        """Answer batches until the kernel closes the queue. Raises QueueError if it copies too little."""
        copied = queue.request.copy_range or queue.request.frame_size
        if copied < self.needs:
            what = f"the rules look at {self.needs} bytes of a packet, of which the ring copies {copied}"
            raise QueueError(what, "take a larger frame size and copy range", errno.EINVAL)
        decide = self.quickest()
        for batch in queue.batches():
            batch.decide(decide)

    def frame(self, frame: Frame) -> None:
        """Answer one frame."""
        frame.answer(self.decide(frame.payload))
