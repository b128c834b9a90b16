# SPDX-License-Identifier: MIT
"""One queued packet: its bytes, its metadata, and the verdict on it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain, repeat
from typing import NamedTuple, cast

from . import abi
from .errors import FastQueueError
from .meta import Meta
from .ring import Ring


class Frame(NamedTuple):
    """A packet in its frame.

    A tuple, so that iterating makes frames without running any bytecode.
    The verdict may come at any time, also long after the frame was handed out; one on
    a packet that has left meanwhile (time limit, interface gone) does nothing.
    """

    ring: Ring
    serial: int  # number of the frame since the ring was allocated, modulo 2^32
    slot: int  # where in the ring
    lap: int  # as it stands in a word

    @property
    def payload(self) -> memoryview:
        """The captured bytes, from the network header on, in place: no copy.

        Holds until the packet has its verdict; copy what is needed for longer.
        """
        ring, _, slot, _ = self
        start = slot * ring.frame_size
        return ring.payload[start : start + ring.heads[slot * _META_WORDS + abi.META_CAP_LEN]]

    @property
    def meta(self) -> Meta:
        """All that the kernel knows about the packet, copied."""
        return Meta.read(self.ring.meta, self.slot)

    @property
    def length(self) -> int:
        """Bytes of the packet from its network header; more than in ``payload`` when truncated."""
        return self.ring.heads[self.slot * _META_WORDS]

    @property
    def settled(self) -> bool:
        """Whether the packet has left the ring."""
        return self.ring.settled(self.serial)

    def accept(
        self,
        *,
        mark: int | None = None,
        priority: int | None = None,
        payload: bytes | bytearray | memoryview | None = None,
    ) -> None:
        """Let the packet go on, with a new mark, priority or contents where given.

        ``payload`` replaces the captured bytes and may be ``frame.payload`` itself, edited
        in place. It needs a queue with ``writable=True`` (else FastQueueError), a packet
        captured whole, and 1 to ``frame_size`` bytes (else ValueError).
        """
        if mark is None and priority is None and payload is None:
            self.answer(abi.ANSWER_ACCEPT)
        else:
            self._answer_with(abi.ANSWER_ACCEPT, mark, priority, payload)

    def drop(self) -> None:
        """Throw the packet away."""
        self.answer(abi.ANSWER_DROP)

    def repeat(self, *, mark: int | None = None, priority: int | None = None) -> None:
        """Send the packet through the same hook again; set a mark, or the same rule queues it again."""
        self._answer_with(abi.ANSWER_REPEAT, mark, priority, None)

    def requeue(self, queue: int, *, mark: int | None = None, priority: int | None = None) -> None:
        """Hand the packet to queue number ``queue``."""
        self._answer_with(abi.ANSWER_QUEUE, mark, priority, None, queue)

    def answer(self, answer: int) -> None:
        """Store ``abi.ANSWER_*`` with the frame's lap: the verdict in its cheapest form."""
        ring, serial, slot, lap = self
        behind = ring.status[1] - serial  # abi.STATUS_FP; literals are cheaper than attributes of a module
        if -0x80000000 < behind <= 0 or behind > 0x7FFFFFFF:  # not settled yet; counts wrap
            ring.words[slot] = lap | answer

    def _answer_with(
        self,
        answer: int,
        mark: int | None,
        priority: int | None,
        payload: bytes | bytearray | memoryview | None,
        queue: int = 0,
    ) -> None:
        """Store what goes with the word, then the word."""
        ring = self.ring
        if self.settled:
            return
        length = 0 if payload is None else self._store_payload(payload)
        fields = (mark or 0, priority or 0, length, queue)
        abi.ANSWER.pack_into(ring.answers, self.slot * abi.ANSWER.size, *fields)
        flags = 0 if mark is None else abi.WITH_MARK
        flags |= 0 if priority is None else abi.WITH_PRIORITY
        flags |= 0 if payload is None else abi.WITH_PAYLOAD
        self.answer(answer | flags)

    def _store_payload(self, payload: bytes | bytearray | memoryview) -> int:
        """Put new contents into the frame and return their length."""
        ring = self.ring
        if not ring.writable:
            raise FastQueueError("contents may be changed only in a queue opened with writable=True")
        length = len(payload)
        if not 0 < length <= ring.frame_size:
            raise ValueError(f"{length} bytes do not fit into a frame of {ring.frame_size}")
        if self.meta.truncated:
            raise ValueError("a packet captured in part cannot be changed")
        start = self.slot * ring.frame_size
        ring.payload[start : start + length] = payload
        return length


_META_WORDS = abi.META.size // 4
_make_frame = partial(tuple.__new__, Frame)


def frame_at(ring: Ring, serial: int) -> Frame:
    """Make the frame of this number."""
    return Frame(ring, serial, serial & ring.mask, ring.lap_bits(serial))


def frames(ring: Ring, first: int, number: int) -> Iterator[Frame]:
    """Make the ``number`` frames from number ``first`` on; all of it runs inside the interpreter."""
    fields: list[Iterator[tuple[Ring, int, int, int]]] = []
    for slot, end, lap in ring.runs(first, number):
        serials = range(first, first + end - slot)
        fields.append(zip(repeat(ring), serials, range(slot, end), repeat(lap), strict=False))
        first = serials.stop & abi.COUNT_MASK
    return cast("Iterator[Frame]", map(_make_frame, chain.from_iterable(fields)))
