# SPDX-License-Identifier: MIT
"""The shared ring as the handler sees it: pointers, words and areas, all in constant time.

This is what both implementations share: ``plain`` (Python) and ``accelerated`` (C).

Why plain item access is enough
    Kernel and handler share words that each side changes while the other looks.
    Every such word is an item of a ``memoryview`` cast to ``I``: CPython reads
    and writes it with one fixed-size 4-byte copy, which compilers turn into one
    32-bit move, and all of them lie on 4-byte boundaries, so none is ever seen half
    written. ``struct`` and byte slices promise no such thing and are used only
    for what does not change while it is looked at (metadata, payload).

Why there are no barriers
    x86 keeps loads in order among loads and stores among stores (TSO), and the
    interpreter neither caches nor reorders item accesses. Hence what the kernel
    stored before FA is seen once FA was read, and the kernel sees an answer's
    fields before its word, and words before FO. A store followed by a load of
    something else may be turned round; the only place where that matters is
    falling asleep, and there the system call ``poll`` lies between. A machine
    with a weaker order needs barriers that plain Python does not have: ``PlainRing``
    refuses to run there (``ordering``), while the extension has them.

Why a slice may be stored
    A run of words is copied upwards, in whole words, and the old and the new value of each
    differ in the low byte only. Their order among each other means nothing.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from . import abi

if TYPE_CHECKING:
    from .frame import Frame


Poll = Callable[..., list[tuple[int, int]]]
#: Events of ``poll`` after which nothing more comes.
ENDED: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Ring:
    """Views of the three areas, and the handler's own count FO.

    ``fo`` is the count of frames handed out; the shared FO follows it in
    ``publish()``. Slots are ``count & mask``; ``frames == 1 << shift``.
    """

    frames: int
    frame_size: int
    mask: int
    shift: int
    fo: int

    def __init__(
        self, answer: memoryview, meta: memoryview, payload: memoryview, frames: int, frame_size: int
    ) -> None:
        """Take views of bytes of the three areas, of a ring of ``frames`` frames of ``frame_size`` bytes."""
        raise NotImplementedError

    def attach(self, answer: memoryview, meta: memoryview, payload: memoryview) -> None:
        """Take views of the areas, which may have been unmapped for a while."""
        words_end = abi.WORDS_OFFSET + 4 * self.frames
        meta_end = abi.META_OFFSET + abi.META.size * self.frames
        self.control = answer[: abi.CONTROL_SIZE].cast("I")
        self.words = answer[abi.WORDS_OFFSET : words_end].cast("I")
        self.answers = answer[words_end : words_end + abi.ANSWER.size * self.frames]
        self.status = meta[: abi.STATUS_SIZE].cast("I")
        self.meta = meta[abi.META_OFFSET : meta_end]
        self.heads = self.meta.cast("I")
        self.payload = payload[: self.frame_size * self.frames]
        self.writable = not payload.readonly

    def release(self) -> bool:
        """Give up all views; False when somebody still holds a part of the payload or metadata."""
        held = False
        for name in ("control", "words", "answers", "status", "heads", "meta", "payload"):
            try:
                getattr(self, name).release()
            except BufferError:
                held = True
        return not held

    def lap_bits(self, count: int) -> int:
        """Return the lap of frame ``count`` where its word has it."""
        return count >> self.shift << abi.LAP_SHIFT & abi.LAP_MASK

    def runs(self, first: int, number: int) -> list[tuple[int, int, int]]:
        """Split ``number`` frames from count ``first`` at the ring's end: (slot, end slot, lap bits) each."""
        slot = first & self.mask
        end = slot + number
        if end <= self.frames:
            return [(slot, end, self.lap_bits(first))]
        following = first + self.frames - slot & abi.COUNT_MASK
        return [(slot, self.frames, self.lap_bits(first)), (0, end - self.frames, self.lap_bits(following))]

    def settled(self, count: int) -> bool:
        """Say whether the sender is past frame ``count``: its slot may be another packet's by now."""
        raise NotImplementedError

    def take(self) -> tuple[int, int]:
        """Hand out all published frames, past which ``fo`` moves: return the first's count and their number.

        Frames whose time limit passed while the handler slept are left out, all in one.
        """
        raise NotImplementedError

    def publish(self) -> None:
        """Tell the kernel which frames are taken; ``poll`` sleeps once that is all of them."""
        raise NotImplementedError

    def fill(self, first: int, number: int, answer: int) -> None:
        """Answer ``number`` frames from count ``first``, at most a lap, alike."""
        raise NotImplementedError

    def answer_all(self, answer: int, poll: Poll, *, timer_only: bool) -> None:
        """Answer every frame alike, and sleep in ``poll()`` for more, until it reports the queue's end."""
        raise NotImplementedError

    def frame_at(self, count: int) -> Frame:
        """Make the frame of this count."""
        raise NotImplementedError

    def frames_of(self, first: int, number: int) -> Iterator[Frame]:
        """Make the ``number`` frames from count ``first`` on."""
        raise NotImplementedError

    def decide(self, first: int, number: int, decide: Callable[[memoryview], int]) -> None:
        """Answer ``number`` frames from count ``first`` with what ``decide(payload)`` says about each.

        Each word is stored as soon as it is known, so that the sender can go to work.
        """
        raise NotImplementedError
