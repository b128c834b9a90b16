# SPDX-License-Identifier: MIT
"""A model of the kernel's half of a ring, on anonymous memory: receiver, sender, poll.

It keeps to the ABI header's words: ordered sending, laps, default action,
time limits, and a refusal of words that do not fit. It is also a Queue's backend.
"""

from __future__ import annotations

import os
import select
from mmap import mmap
from typing import NamedTuple

from fastqueue import abi, backend
from fastqueue.errors import QueueError
from fastqueue.options import RingOptions
from fastqueue.stats import Stats


class Settled(NamedTuple):
    """A packet that left: its name, netfilter's verdict, and the answer's fields that hold."""

    name: int
    verdict: int
    mark: int | None = None
    priority: int | None = None
    payload: bytes | None = None
    queue: int | None = None
    completion: int | None = None  # abi.A_*, with a payload


class WouldSleepError(Exception):
    """The handler went to sleep for ever with nothing left to wake it: the test is over."""


class FakeKernel:
    """Packets go in with ``receive`` and come out in ``settled``; sleeping does a step of ``plan``."""

    def __init__(self, request: RingOptions, start: int = 0) -> None:
        self.next_name = 0
        self.settled: list[Settled] = []
        self.default_answers: list[int] = []
        self.invalid_words = 0
        self.closed = False
        self.polls = 0
        self.plan: list[int] = []  # packets to receive at each sleep
        self.settings: list[bytes] = []
        self.event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._allocate(request, start)

    def _allocate(self, request: RingOptions, start: int) -> None:
        frames, size = request.frames, request.frame_size
        self.request = request
        self.fa = self.fp = start
        self.slots: dict[int, int] = {}  # count: name of the packet
        answer_size = abi.WORDS_OFFSET + frames * (4 + abi.ANSWER.size)
        meta_size = abi.META_OFFSET + frames * abi.META.size
        self.maps = [mmap(-1, answer_size), mmap(-1, meta_size), mmap(-1, frames * size)]
        answer, meta, payload = (memoryview(area) for area in self.maps)
        self.words = answer[abi.WORDS_OFFSET :][: frames * 4].cast("I")
        self.answers = answer[abi.WORDS_OFFSET + frames * 4 :]
        self.control = answer[:64].cast("I")
        self.status = meta[:64].cast("I")
        self.metas = meta[abi.META_OFFSET :]
        self.payload = payload
        self.control[0] = self.status[0] = self.status[1] = start
        readable = payload if request.writable else payload.toreadonly()
        self.ring = backend.current.ring(answer, meta.toreadonly(), readable, frames, size)

    # receiver

    def receive(self, packet: bytes = b"", **meta: int) -> bool:
        """Put a packet into the next frame, with meta fields by name; False: the default action took it."""
        name, self.next_name = self.next_name, self.next_name + 1
        if self.fa - self.fp & abi.COUNT_MASK >= self.request.frames:
            self.default_answers.append(name)
            return False
        slot = self._slot(self.fa)
        captured = packet[: self.request.copy_range or self.request.frame_size]
        start = slot * self.request.frame_size
        self.payload[start : start + len(captured)] = captured
        self._write_meta(slot, len(packet), len(captured), meta)
        self.words[slot] = abi.OCCUPIED | self._lap(self.fa)
        self.slots[self.fa] = name
        self.fa = self.status[0] = self.fa + 1 & abi.COUNT_MASK
        self._signal()
        return True

    def receive_many(self, number: int) -> int:
        """Receive ``number`` packets; return how many got a frame."""
        return sum(self.receive() for _ in range(number))

    def _write_meta(self, slot: int, length: int, captured: int, meta: dict[str, int]) -> None:
        flags = meta.get("flags", 0) | (abi.M_TRUNCATED if captured < length else 0)
        fields = (length, captured, flags, b"\x08\x00", meta.get("hook", 0), 2)
        interfaces = (meta.get("indev", 0), meta.get("outdev", 0), 0, 0)
        rest = (meta.get("mark", 0), meta.get("priority", 0), 5, b"\x81\x00", 1448, 3)
        last = (1_700_000_000_000_000_000, 1, 1000, 1001, 1, 6, b"\x02\0\0\0\0\x01\0\0")
        abi.META.pack_into(self.metas, slot * abi.META.size, *fields, *interfaces, *rest, *last)

    # sender

    def send(self) -> None:
        """Settle processed frames in order."""
        while self.fp != self.fa and self._settle(self.fp):
            self.fp = self.fp + 1 & abi.COUNT_MASK
        self.status[1] = self.fp

    def time_out(self, number: int) -> None:
        """Give the oldest ``number`` frames the default action, as the time limit does."""
        for _ in range(number):
            name = self.slots.pop(self.fp)
            self.settled.append(Settled(name, abi.ACCEPT))
            self.words[self._slot(self.fp)] = abi.AVAILABLE | self._lap(self.fp)
            self.fp = self.status[1] = self.fp + 1 & abi.COUNT_MASK

    def _settle(self, count: int) -> bool:
        slot = self._slot(count)
        word = self.words[slot]
        if word == abi.OCCUPIED | self._lap(count):
            return False
        if not self._fits(count, word):
            self.invalid_words += 1
            self.words[slot] = abi.OCCUPIED | self._lap(count)
            return False
        self.settled.append(self._apply(self.slots.pop(count), slot, word))
        self.words[slot] = abi.AVAILABLE | self._lap(count)
        return True

    def _fits(self, count: int, word: int) -> bool:
        """Say whether a word answers the frame: its lap, and flags that go with a payload."""
        *_, flags = abi.ANSWER.unpack_from(self.answers, self._slot(count) * abi.ANSWER.size)
        with_payload = not word & abi.WITH_PAYLOAD or not flags & ~abi.A_ALL
        processed = word & abi.STATE_MASK == abi.PROCESSED
        return processed and with_payload and word & abi.LAP_MASK == self._lap(count)

    def _apply(self, name: int, slot: int, word: int) -> Settled:
        mark, priority, length, queue, flags = abi.ANSWER.unpack_from(self.answers, slot * abi.ANSWER.size)
        verdict = (word & abi.VERDICT_MASK) >> abi.VERDICT_SHIFT
        start = slot * self.request.frame_size
        return Settled(
            name,
            verdict,
            mark if word & abi.WITH_MARK else None,
            priority if word & abi.WITH_PRIORITY else None,
            bytes(self.payload[start : start + length]) if word & abi.WITH_PAYLOAD else None,
            queue if verdict == abi.QUEUE else None,
            flags if word & abi.WITH_PAYLOAD else None,
        )

    # what a Queue needs of its device

    def poll(self, milliseconds: float | None = None) -> list[tuple[int, int]]:
        """Send, then sleep: a step of the plan is what happens meanwhile."""
        self.polls += 1
        if not self.request.timer_only:
            self.send()
        if self._readable():
            return [(self.event, select.POLLIN)]
        self._signal()
        if self.closed:
            return [(self.event, select.POLLHUP)]
        if self.plan:
            if self.request.timer_only:
                self.send()
            self.receive_many(self.plan.pop(0))
        elif milliseconds is None:
            raise WouldSleepError
        return [(self.event, select.POLLIN)] if self._readable() else []

    def _readable(self) -> bool:
        return self.fa != self.control[0]

    def _signal(self) -> None:
        """Have the event's readiness follow the ring's."""
        if self._readable():
            os.eventfd_write(self.event, 1)
        elif select.select([self.event], [], [], 0)[0]:
            os.eventfd_read(self.event)

    def fileno(self) -> int:
        """Readable while there are frames to look at."""
        if self.event < 0:
            raise QueueError("the queue is closed", "open it again")
        return self.event

    def kick(self) -> None:
        """Send now."""
        self.send()

    def set(self, settings: bytes) -> None:
        """Remember the settings."""
        self.settings.append(settings)

    def resize(self, request: RingOptions) -> None:
        """Exchange the rings; packets in the old one come again."""
        names = list(self.slots.values())
        self._allocate(request, 0)
        for self.next_name in names:
            self.receive()

    def stats(self) -> Stats:
        """Count."""
        verdicts = [each.verdict for each in self.settled]
        dropped = verdicts.count(abi.DROP)
        queued = self.next_name - len(self.default_answers)
        counters = [self.next_name, queued, len(verdicts) - dropped, dropped, 0, len(self.slots)]
        return Stats(*counters, *(0,) * (len(Stats._fields) - len(counters)))

    def close(self) -> bool:
        """End the queue."""
        os.close(self.event)
        self.event = -1
        return True

    def _slot(self, count: int) -> int:
        return count % self.request.frames

    def _lap(self, count: int) -> int:
        return (count // self.request.frames & 0xFFFFFF) << 8
