# SPDX-License-Identifier: MIT
"""One queued packet: its bytes, its metadata, and the verdict on it."""

from __future__ import annotations

from . import abi
from .errors import FastQueueError
from .meta import Meta
from .ring import Ring


class Frame:
    """A packet in its frame; ``plain`` or ``accelerated`` has the rest of it.

    The verdict may come at any time, also long after the frame was handed out; one on
    a packet that has left meanwhile (time limit, interface gone) does nothing.
    """

    __slots__ = ()

    @property
    def ring(self) -> Ring:
        """The ring that it is in."""
        raise NotImplementedError

    @property
    def serial(self) -> int:
        """Number of the frame since the ring was allocated, modulo 2^32."""
        raise NotImplementedError

    @property
    def slot(self) -> int:
        """Where in the ring."""
        raise NotImplementedError

    @property
    def lap(self) -> int:
        """Lap of the ring, as it stands in a word."""
        raise NotImplementedError

    @property
    def payload(self) -> memoryview:
        """The captured bytes, from the network header on, in place: no copy.

        Holds until the packet has its verdict; copy what is needed for longer.
        """
        raise NotImplementedError

    @property
    def meta(self) -> Meta:
        """All that the kernel knows about the packet, copied."""
        return Meta.read(self.ring.meta, self.slot)

    @property
    def length(self) -> int:
        """Bytes of the packet from its network header; more than in ``payload`` when truncated."""
        raise NotImplementedError

    @property
    def settled(self) -> bool:
        """Whether the packet has left the ring.

        If not, what was read of ``payload`` and ``meta`` before was this packet's; if so, it may have been
        another's.
        """
        raise NotImplementedError

    def accept(
        self,
        *,
        mark: int | None = None,
        priority: int | None = None,
        payload: bytes | bytearray | memoryview | None = None,
        lengths: bool = False,
        checksums: bool = False,
    ) -> None:
        """Let the packet go on, with a new mark, priority or contents if given.

        ``payload`` replaces the packet, from its network header on. Its bytes leave exactly as they are,
        unless the kernel is asked to complete them:

        lengths:   set the IP and UDP lengths from ``len(payload)``
        checksums: compute the IPv4 header's, TCP, UDP, ICMP and ICMPv6 checksums

        To edit in place, write into ``frame.payload`` and pass that. Bytes that equal the packet's
        change nothing: it goes on as it came.

        Raises FastQueueError unless the queue was opened with ``writable=True``, and ValueError if the
        packet was not captured whole, if ``payload`` is not 1 to ``frame_size`` bytes, or if ``lengths``
        or ``checksums`` is given without it.
        """
        completion = lengths * abi.A_LENGTHS | checksums * abi.A_CHECKSUMS
        if payload is not None:
            self._accept_changed(mark, priority, payload, completion)
        elif completion:
            raise ValueError("lengths and checksums are for a changed payload; pass payload too")
        elif mark is None and priority is None:
            self.answer(abi.ANSWER_ACCEPT)
        else:
            self._answer_with(abi.ANSWER_ACCEPT, mark, priority)

    def drop(self) -> None:
        """Throw the packet away."""
        self.answer(abi.ANSWER_DROP)

    def repeat(self, *, mark: int | None = None, priority: int | None = None) -> None:
        """Send the packet through the same hook again; set a mark, or the same rule queues it again."""
        self._answer_with(abi.ANSWER_REPEAT, mark, priority)

    def requeue(self, queue: int, *, mark: int | None = None, priority: int | None = None) -> None:
        """Hand the packet to queue number ``queue``; ValueError where there is no such number."""
        if not 0 <= queue <= abi.MAX_QUEUE:
            raise ValueError(f"there is no queue {queue}: 0 to {abi.MAX_QUEUE}")
        self._answer_with(abi.ANSWER_QUEUE, mark, priority, queue=queue)

    def answer(self, answer: int) -> None:
        """Store ``abi.ANSWER_*`` with the frame's lap: the verdict in its cheapest form."""
        raise NotImplementedError

    def _answer_with(
        self,
        answer: int,
        mark: int | None,
        priority: int | None,
        *,
        length: int = 0,
        queue: int = 0,
        completion: int = 0,
    ) -> None:
        """Store what goes with the word, then the word. ``length`` is that of a changed payload, or 0."""
        if self.settled:
            return
        fields = (mark or 0, priority or 0, length, queue, completion if length else 0)
        abi.ANSWER.pack_into(self.ring.answers, self.slot * abi.ANSWER.size, *fields)
        flags = 0 if mark is None else abi.WITH_MARK
        flags |= 0 if priority is None else abi.WITH_PRIORITY
        flags |= abi.WITH_PAYLOAD if length else 0
        self.answer(answer | flags)

    def _accept_changed(
        self,
        mark: int | None,
        priority: int | None,
        payload: bytes | bytearray | memoryview,
        completion: int,
    ) -> None:
        """Accept the packet with other contents."""
        if self.settled:
            return
        length = self._store_payload(payload)
        self._answer_with(abi.ANSWER_ACCEPT, mark, priority, length=length, completion=completion)

    def _store_payload(self, payload: bytes | bytearray | memoryview) -> int:
        """Put new contents into the frame; return their length, 0 if nothing has to be changed."""
        ring, new = self.ring, memoryview(payload).cast("B")
        length = len(new)
        if not ring.writable:
            raise FastQueueError("contents may be changed only in a queue opened with writable=True")
        if not 0 < length <= ring.frame_size:
            raise ValueError(f"{length} bytes do not fit into a frame of {ring.frame_size}")
        if self.meta.truncated:
            raise ValueError("a packet captured in part cannot be changed")
        if self.meta.gso:
            if new == self.payload:
                return 0
            raise ValueError("a packet of many segments (gso=True) cannot be changed")
        start = self.slot * ring.frame_size
        ring.payload[start : start + length] = new
        return length
