# SPDX-License-Identifier: MIT
"""A model of the kernel's half of the ring, statement by statement what receiver.c, sender.c and queue.c do.

A sender's run is a generator that stops where sender.c lets go of its lock: between two batches
anything may happen, and in a real kernel does. Names and verdicts stand for packets and words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

BATCH, LOOKS = 3, 5
OCCUPIED, AVAILABLE = "occupied", "available"
COUNTS = 1 << 32
LAPS = 1 << 24


@dataclass(frozen=True)
class Word:
    """State or verdict, and lap. ``meant`` is for the model's checks alone: the packet an answer is for."""

    says: str
    lap: int
    meant: int | None = None


@dataclass
class Packet:
    """A packet in a frame."""

    name: int
    queued_at: int


@dataclass
class Left:
    """How a packet left: by whose word, or None."""

    name: int
    how: str
    word: Word | None


@dataclass
class Kernel:
    """One queue."""

    frames: int
    ordered: bool
    fa: int
    timeout: int = 0
    now: int = 0
    next_name: int = 0
    sending: bool = False
    sweeping: bool = False
    send_again: bool = False
    left: list[Left] = field(default_factory=list)
    by_default: int = 0
    invalid: int = 0

    def __post_init__(self) -> None:
        """Begin with an empty ring at FA."""
        self.fp = self.scan = self.fa
        self._clear()

    def _clear(self) -> None:
        self.slots: list[Packet | None] = [None] * self.frames
        self.words = [Word(AVAILABLE, 0)] * self.frames

    def slot(self, count: int) -> int:
        """Return the slot of a frame."""
        return count % self.frames

    def lap(self, count: int) -> int:
        """Return its lap, as a word has it."""
        return count // self.frames % LAPS

    def out(self) -> list[int]:
        """Return the counts of frames from FP to FA."""
        return [(self.fp + n) % COUNTS for n in range((self.fa - self.fp) % COUNTS)]

    # receiver

    def receive(self) -> bool:
        """A packet: into a frame, or settled by default."""
        name, self.next_name = self.next_name, self.next_name + 1
        if len(self.out()) >= self.frames:
            self.by_default += 1
            return False
        self._put(Packet(name, self.now))
        return True

    def _put(self, packet: Packet) -> None:
        self.slots[self.slot(self.fa)] = packet
        self.words[self.slot(self.fa)] = Word(OCCUPIED, self.lap(self.fa))
        self.fa = (self.fa + 1) % COUNTS

    # sender

    def send(self) -> Iterator[None]:
        """One run of the sender."""
        self.send_again = True
        if self.sending:
            return
        self.sending = True
        while self._batch():
            yield
        self.sending = False

    def stop(self) -> None:
        """The run that is on its way reaches the bound of a tick; the next run goes on from there."""
        self.sending = False

    def close(self) -> int:
        """No packet comes any more: all that was answered leaves. Return the batches that took."""
        self.sending, self.send_again = False, True
        batches = 1
        while self._batch():
            batches += 1
        return batches

    def _batch(self) -> bool:
        if not self.sweeping:
            self.sweeping, self.send_again = True, False
            self.scan = self.fp
        self._collect()
        return self.sweeping or self.send_again

    def _collect(self) -> None:
        taken, looks, count = 0, 0, self.scan
        while count != self.fa:
            if taken == BATCH or looks == LOOKS:
                break
            finding = self._take(count)
            if finding == "pending" and self.ordered:
                self.sweeping = False
                break
            taken += finding == "settled"
            looks += 1
            count = (count + 1) % COUNTS
        else:
            self.sweeping = False
        self._advance(count)

    def _advance(self, count: int) -> None:
        ahead = (count - self.fp) % COUNTS
        self.scan, before = count, self.fp
        self.fp = count if self.ordered else self._first()
        if (self.fp - before) % COUNTS > ahead:
            self.scan = self.fp

    def _first(self) -> int:
        looked = self.out()[:LOOKS]
        empty = (self.fp + len(looked)) % COUNTS
        return next((count for count in looked if self.slots[self.slot(count)]), empty)

    def _take(self, count: int) -> str:
        slot = self.slot(count)
        packet, word = self.slots[slot], self.words[slot]
        if packet is None:
            return "empty"
        if word.says in {"accept", "drop"} and word.lap == self.lap(count):
            self._leave(slot, count, Left(packet.name, word.says, word))
            return "settled"
        if word != Word(OCCUPIED, self.lap(count)):
            self.invalid += 1
            self.words[slot] = Word(OCCUPIED, self.lap(count))
        if self.timeout and self.now > packet.queued_at + self.timeout:
            self._leave(slot, count, Left(packet.name, "timed out", None))
            return "settled"
        return "pending"

    def _leave(self, slot: int, count: int, how: Left) -> None:
        self.left.append(how)
        self.slots[slot] = None
        self.words[slot] = Word(AVAILABLE, self.lap(count))

    # what else happens

    def flush(self, chosen: set[int]) -> None:
        """An interface goes: packets with these names are dropped, wherever they are."""
        for count in self.out():
            packet = self.slots[self.slot(count)]
            if packet and packet.name in chosen:
                self._leave(self.slot(count), count, Left(packet.name, "flushed", None))

    def resize(self, frames: int) -> bool:
        """Exchange the ring; False: more packets are out than it would hold."""
        packets = [packet for count in self.out() if (packet := self.slots[self.slot(count)])]
        if len(packets) > frames:
            return False
        self.frames = frames
        self.fa = self.fp = self.scan = 0
        self.sweeping = False
        self._clear()
        for packet in packets:
            self._put(packet)
        return True
