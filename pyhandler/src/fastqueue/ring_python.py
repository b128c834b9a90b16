# SPDX-License-Identifier: MIT
"""Ring and frames in plain Python; the C extension does the same (``accelerated``)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, repeat
from typing import NamedTuple, cast

from . import abi
from .frame import Frame
from .ordering import check_plain
from .ring import ENDED, Poll, Ring

_BLOCKS_KEPT = 8
_META_WORDS = abi.META.size // 4


class PlainRing(Ring):
    """A ring whose runs of frames are answered with slices, one store a lap."""

    def __init__(
        self, answer: memoryview, meta: memoryview, payload: memoryview, frames: int, frame_size: int
    ) -> None:
        """See Ring. Raises QueueError if this machine's memory order is too weak."""
        check_plain()
        self.frames = frames
        self.frame_size = frame_size
        self.mask = frames - 1
        self.shift = frames.bit_length() - 1
        self._blocks: dict[int, memoryview] = {}
        self.attach(answer, meta, payload)
        self.fo = self.control[abi.CONTROL_FO]

    def settled(self, count: int) -> bool:
        """See Ring."""
        behind = self.status[abi.STATUS_FP] - count & abi.COUNT_MASK
        return 0 < behind < 1 << 31

    def take(self) -> tuple[int, int]:
        """See Ring."""
        first = self.fo
        gone = self.status[abi.STATUS_FP] - first & abi.COUNT_MASK  # FP before FA: never past it
        self.fo = fa = self.status[abi.STATUS_FA]
        number = fa - first & abi.COUNT_MASK
        if 0 < gone <= number:
            first, number = first + gone & abi.COUNT_MASK, number - gone
        if number > self.frames:  # FP went on between the two: what it passed since then has been overwritten
            return fa - self.frames & abi.COUNT_MASK, self.frames
        return first, number

    def publish(self) -> None:
        """See Ring."""
        self.control[abi.CONTROL_FO] = self.fo

    def fill(self, first: int, number: int, answer: int) -> None:
        """See Ring: one store a lap."""
        if number == 1:
            self.words[first & self.mask] = self.lap_bits(first) | answer
            return
        for slot, end, lap in self.runs(first, number):
            self.words[slot:end] = self._block(lap | answer)[slot:end]

    def _block(self, word: int) -> memoryview:
        """Return ``word`` as often as there are frames; kept, since a whole lap uses the same."""
        block = self._blocks.get(word)
        if block is None:
            if len(self._blocks) >= _BLOCKS_KEPT:
                self._blocks.clear()
            block = memoryview(word.to_bytes(4, sys.byteorder) * self.frames).cast("I")
            self._blocks[word] = block
        return block

    def answer_all(self, answer: int, poll: Poll, *, timer_only: bool) -> None:
        """See Ring: with as few steps per batch as can be, since with little traffic that is one packet."""
        status, words, control = self.status, self.words, self.control
        mask, shift, fo = self.mask, self.shift, self.fo
        events: list[tuple[int, int]] = []
        while True:
            fa = status[0]  # abi.STATUS_FA; literals are cheaper than attributes of a module
            if fa - fo & 0xFFFFFFFF == 1:
                words[fo & mask] = fo >> shift << 8 & 0xFFFFFF00 | answer
                self.fo = control[0] = fo = fa
            elif fa != fo:
                first, number = self.take()
                self.fill(first, number, answer)
                control[0] = fo = self.fo
            elif events and events[0][1] & ENDED:
                return
            if not timer_only or status[0] == fo:
                events = poll()

    def frame_at(self, count: int) -> Frame:
        """See Ring."""
        return PlainFrame(self, count, count & self.mask, self.lap_bits(count))

    def frames_of(self, first: int, number: int) -> Iterator[Frame]:
        """See Ring; all of it runs inside the interpreter."""
        if number == 1:  # with little traffic, that is every batch
            return iter((self.frame_at(first),))
        fields: list[Iterator[tuple[Ring, int, int, int]]] = []
        for slot, end, lap in self.runs(first, number):
            serials = range(first, first + end - slot)
            fields.append(zip(repeat(self), serials, range(slot, end), repeat(lap), strict=False))
            first = serials.stop & abi.COUNT_MASK
        return cast("Iterator[Frame]", map(_make_frame, chain.from_iterable(fields)))

    def decide(self, first: int, number: int, decide: Callable[[memoryview], int]) -> None:
        """See Ring."""
        words, heads, payload, size = self.words, self.heads, self.payload, self.frame_size
        if number == 1:  # with little traffic, that is every batch
            slot = first & self.mask
            length = heads[slot * _META_WORDS + abi.META_CAP_LEN]
            words[slot] = self.lap_bits(first) | decide(payload[slot * size : slot * size + length])
            return
        for slot, end, lap in self.runs(first, number):
            starts = range(slot * size, end * size, size)
            lengths = heads[slot * _META_WORDS + abi.META_CAP_LEN : end * _META_WORDS : _META_WORDS]
            for place, start, length in zip(range(slot, end), starts, lengths, strict=True):
                words[place] = lap | decide(payload[start : start + length])


class _Fields(NamedTuple):
    ring: Ring
    serial: int
    slot: int
    lap: int


class PlainFrame(_Fields, Frame):
    """A frame that is a tuple: iterating makes them without running any bytecode."""

    __slots__ = ()

    @property
    def payload(self) -> memoryview:
        """See Frame."""
        ring, _, slot, _ = self
        start = slot * ring.frame_size
        return ring.payload[start : start + ring.heads[slot * _META_WORDS + abi.META_CAP_LEN]]

    @property
    def length(self) -> int:
        """See Frame."""
        return self.ring.heads[self.slot * _META_WORDS]

    @property
    def settled(self) -> bool:
        """See Frame."""
        return self.ring.settled(self.serial)

    def answer(self, answer: int) -> None:
        """See Frame."""
        ring, serial, slot, lap = self
        behind = ring.status[1] - serial  # abi.STATUS_FP; literals are cheaper than attributes of a module
        if -0x80000000 < behind <= 0 or behind > 0x7FFFFFFF:  # not settled yet; counts wrap
            ring.words[slot] = lap | answer


_make_frame = partial(tuple.__new__, PlainFrame)
