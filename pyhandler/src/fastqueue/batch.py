# SPDX-License-Identifier: MIT
"""Many frames answered together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import abi
from .frame import Frame
from .ring import Ring


class Batch:
    """Frames that were in the ring when the handler looked, in the order of their packets.

    Frames may be answered in any order, also when later batches are out already;
    the packets leave in order all the same, unless the queue is unordered.
    """

    __slots__ = ("_first", "_number", "_ring")

    def __init__(self, ring: Ring, first: int, number: int) -> None:
        self._ring = ring
        self._first = first
        self._number = number

    def __len__(self) -> int:
        """Return the number of frames; 0 after a wait that timed out."""
        return self._number

    def __getitem__(self, index: int) -> Frame:
        """Return one frame; raises IndexError."""
        place = index + self._number if index < 0 else index
        if not 0 <= place < self._number:
            raise IndexError(f"frame {index} of a batch of {self._number}")
        return self._ring.frame_at(self._first + place & abi.COUNT_MASK)

    def __iter__(self) -> Iterator[Frame]:
        """Go through the frames."""
        return self._ring.frames_of(self._first, self._number)

    def accept_all(self) -> None:
        """Let all packets of the batch go on: one store a lap, however many there are."""
        self._ring.fill(self._first, self._number, abi.ANSWER_ACCEPT)
        self._ring.publish()

    def drop_all(self) -> None:
        """Throw all packets of the batch away: one store a lap."""
        self._ring.fill(self._first, self._number, abi.ANSWER_DROP)
        self._ring.publish()

    def verdict(self, index: int, answer: int) -> None:
        """Answer frame ``index`` with ``abi.ANSWER_*``."""
        self[index].answer(answer)

    def decide(self, decide: Callable[[memoryview], int]) -> None:
        """Answer every frame with what ``decide(payload)`` returns: ``abi.ANSWER_ACCEPT`` or ``ANSWER_DROP``.

        The quick way for handlers that look at contents: no Frame is made. Each
        word is stored as soon as it is known, so that the sender can go to work.
        """
        self._ring.decide(self._first, self._number, decide)
        self._ring.publish()
