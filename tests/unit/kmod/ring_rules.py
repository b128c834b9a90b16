# SPDX-License-Identifier: MIT
"""A model of the kernel's half of the ring: a queue and its frames, as in kmod/frame.h and frame.c.

Words are 32-bit numbers, judged by the module's own rules (word_rules.py); sender_rules.py has the
sender and its timer, flush_rules.py flushing and the exchange of rings. What takes place with the
queue's lock held is one step here. Every name, size and author is the model's, for its checks alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from fastqueue import abi

from .word_rules import (
    Answer,
    answer_valid,
    word_is_answer,
    word_is_plain,
    word_lap,
    word_plain_verdict,
    word_verdict,
)

COUNTS: Final = 1 << 32
FRAME_SIZE: Final = 64
#: Packets that leave in one batch; bytes of changed ones after which it ends.
BATCH: Final = 2
BATCH_BYTES: Final = FRAME_SIZE
#: Authors of words: the kernel, and a handler that writes whatever it likes; others are packets' names.
KERNEL, WILD = -1, -2


def ahead(count: int, other: int) -> int:
    """Return how far a count is ahead of another, as a signed number of 32 bits."""
    return (count - other + COUNTS // 2) % COUNTS - COUNTS // 2


class Finding(Enum):
    """Result of looking at a frame."""

    EMPTY = auto()
    PENDING = auto()
    ANSWERED = auto()
    TIMED_OUT = auto()
    FLUSHED = auto()

    @property
    def settled(self) -> bool:
        """Whether a packet leaves."""
        return self not in {Finding.EMPTY, Finding.PENDING}


@dataclass(frozen=True)
class Packet:
    """A packet that netfilter queued."""

    name: int
    size: int = 1  # memory that it holds
    device: int = 0
    whole: bool = True  # all of it is in the frame, and it is not a GSO packet
    firm: bool = False  # the stack cannot accept a change
    copied: bool = True  # its bytes can be copied into a frame


@dataclass(frozen=True)
class Left:
    """How a packet left, with netfilter's verdict, and whose word that was."""

    name: int
    how: str
    verdict: int
    author: int = KERNEL


@dataclass
class Slot:
    """The kernel's record of a frame."""

    packet: Packet | None = None
    queued_at: int = 0


@dataclass
class Ring:
    """Memory of a ring."""

    order: int

    def __post_init__(self) -> None:
        """Begin with zeroes."""
        self.slots = [Slot() for _ in range(self.frames)]
        self.words = [0] * self.frames
        self.authors = [KERNEL] * self.frames
        self.answers = [Answer()] * self.frames

    @property
    def frames(self) -> int:
        """The number of frames."""
        return 1 << self.order

    def index(self, count: int) -> int:
        """Return the slot of a frame."""
        return count & (self.frames - 1)

    def lap(self, count: int) -> int:
        """Return its lap, as a word has it."""
        return word_lap(count, self.order)

    def store(self, index: int, word: int, author: int = KERNEL) -> None:
        """Write a word."""
        self.words[index], self.authors[index] = word, author

    def packet(self, count: int) -> Packet | None:
        """Return the packet of a frame."""
        return self.slots[self.index(count)].packet


@dataclass
class Stats:
    """What is counted, of packets in frames."""

    queued: int = 0
    accepted: int = 0
    dropped: int = 0
    flushed: int = 0
    timed_out: int = 0
    refused: int = 0
    invalid_words: int = 0
    over_memory: int = 0
    by_default: int = 0


@dataclass
class Queue:
    """One queue."""

    ring: Ring
    ordered: bool = True
    fa: int = 0
    timeout: int = 0
    memory: int = 1 << 30  # that packets may hold
    limit: int = 0
    writable: bool = True
    default_action: int = abi.DROP
    now: int = 0
    held: int = 0
    next_name: int = 0
    stats: Stats = field(default_factory=Stats)
    left: list[Left] = field(default_factory=list)
    leaving: list[Left] = field(default_factory=list)  # in a sender's batch, on their way to netfilter
    # sender
    sending: bool = False
    sweeping: bool = False
    send_again: bool = False
    batch_max: int = 0
    batch_bytes: int = 0
    # flush and exchange
    closed: bool = False
    resizing: bool = False
    dropping: bool = False
    drop_end: int = 0
    drop_work: bool = False  # scheduled
    exchange: bool = False  # the mutex is held
    backlog: list[Packet] = field(default_factory=list)
    #: Packets outside of frames and backlog while the ring is exchanged.
    moving: list[Packet] = field(default_factory=list)
    #: Those that the new ring has no room for, before they go.
    unmoved: list[Packet] = field(default_factory=list)
    #: Names of packets that a mark stands for since an exchange.
    marked_again: set[int] = field(default_factory=set)
    #: Slot, word and author of a store by the handler, right after the sender has read its next word.
    race: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        """Begin with an empty ring at FA."""
        self.fp = self.scan = self.fa

    def out(self) -> list[int]:
        """Return the counts of frames from FP to FA."""
        return [(self.fp + n) % COUNTS for n in range((self.fa - self.fp) % COUNTS)]

    def packets(self) -> list[Packet]:
        """Return all packets that are in the queue, wherever they are."""
        inside = [packet for count in self.out() if (packet := self.ring.packet(count))]
        return [*inside, *self.moving, *self.backlog, *self.unmoved]

    def occupied(self) -> int:
        """Return their number, as the counters have it."""
        return self.stats.queued - self.stats.accepted - self.stats.dropped - self.stats.flushed

    # receiver

    def receive(self, packet: Packet) -> None:
        """A packet: into a frame or the backlog, or settled by default."""
        self.next_name = packet.name + 1
        if self.closed or not (self._defer(packet) if self.resizing else self._take_in(packet)):
            self.stats.by_default += 1

    def _full(self) -> bool:
        return bool(self.limit) and self.occupied() >= self.limit

    def _hold(self, packet: Packet) -> bool:
        if self.held + packet.size > self.memory:
            self.stats.over_memory += 1
            return False
        self.held += packet.size
        return True

    def _take_in(self, packet: Packet) -> bool:
        if self._full() or not self._hold(packet):
            return False
        if not self._put(packet, self.now):
            self.held -= packet.size
            return False
        self.stats.queued += 1
        return True

    def _defer(self, packet: Packet) -> bool:
        if self._full() or self.occupied() >= self.ring.frames or not self._hold(packet):
            return False
        self.backlog.append(packet)
        self.stats.queued += 1
        return True

    def _put(self, packet: Packet, queued_at: int) -> bool:
        ring, fa = self.ring, self.fa
        if (fa - self.fp) % COUNTS >= ring.frames or not packet.copied:
            return False
        ring.slots[ring.index(fa)] = Slot(packet, queued_at)
        ring.store(ring.index(fa), abi.OCCUPIED | ring.lap(fa))
        self.fa = (fa + 1) % COUNTS
        return True

    def put_again(self, packet: Packet, queued_at: int) -> bool:
        """Put a packet of another ring, or of the backlog, into a frame; False: it is flushed."""
        if self._put(packet, queued_at):
            return True
        self.held -= packet.size
        self.stats.flushed += 1
        return False

    # a frame

    def settle(self, count: int) -> Finding:
        """Take the packet out of a frame if it is answered or its time is over."""
        ring, index, lap = self.ring, self.ring.index(count), self.ring.lap(count)
        packet = ring.slots[index].packet
        if packet is None:
            return Finding.EMPTY
        if self.dropping and ahead(count, self.drop_end) < 0:
            self.flush(count, "hook gone", abi.DROP)
            return Finding.FLUSHED
        word, author = ring.words[index], ring.authors[index]
        self._handler_stores()
        if word_is_plain(word ^ lap):
            verdict = word_plain_verdict(word)
            return self._leave(count, Left(packet.name, "answered", verdict, author))
        return self._judge(count, packet, word, author)

    def _handler_stores(self) -> None:
        if self.race:
            self.ring.store(*self.race)
            self.race = None

    def _judge(self, count: int, packet: Packet, word: int, author: int) -> Finding:
        ring, index, lap = self.ring, self.ring.index(count), self.ring.lap(count)
        if word_is_answer(word, lap) and self._arguments_fit(index, packet, word):
            refused = bool(word & abi.WITH_PAYLOAD) and packet.firm
            self.stats.refused += refused
            verdict = abi.DROP if refused else word_verdict(word)
            self._count_bytes(index, word)
            return self._leave(count, Left(packet.name, "answered", verdict, author))
        if word != abi.OCCUPIED | lap and ring.words[index] == word:
            self.stats.invalid_words += 1
            assert not self.answered(count), "an answer that was just written is lost"
            ring.store(index, abi.OCCUPIED | lap)
        if self.timeout and self.now > ring.slots[index].queued_at + self.timeout:
            self.stats.timed_out += 1
            self.flush(count, "timed out", self.default_action)
            return Finding.TIMED_OUT
        return Finding.PENDING

    def _count_bytes(self, index: int, word: int) -> None:
        if word & abi.WITH_PAYLOAD:
            self.batch_bytes += self.ring.answers[index].len
            if self.batch_bytes >= BATCH_BYTES:
                self.batch_max = 0

    def _arguments_fit(self, index: int, packet: Packet, word: int) -> bool:
        changeable = self.writable and packet.whole
        return answer_valid(word, self.ring.answers[index], FRAME_SIZE, changeable)

    def answered(self, count: int) -> bool:
        """Return whether there is a packet in a frame, with an answer that holds."""
        index = self.ring.index(count)
        packet, word = self.ring.slots[index].packet, self.ring.words[index]
        return (
            packet is not None
            and word_is_answer(word, self.ring.lap(count))
            and self._arguments_fit(index, packet, word)
        )

    def _leave(self, count: int, how: Left) -> Finding:
        if how.verdict == abi.DROP:
            self.stats.dropped += 1
        else:
            self.stats.accepted += 1
        self._clear(count, how)
        return Finding.ANSWERED

    def flush(self, count: int, how: str, verdict: int) -> None:
        """Take the packet out of a frame without an answer."""
        packet = self.ring.packet(count)
        assert packet
        self.stats.flushed += 1
        self._clear(count, Left(packet.name, how, verdict))

    def _clear(self, count: int, how: Left) -> None:
        index = self.ring.index(count)
        packet = self.ring.slots[index].packet
        assert packet
        self.held -= packet.size
        self.left.append(how)
        self.ring.slots[index] = Slot()
        self.ring.store(index, abi.AVAILABLE | self.ring.lap(count))
