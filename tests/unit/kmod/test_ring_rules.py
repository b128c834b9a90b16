# SPDX-License-Identifier: MIT
"""Any interleaving of receiver, handlers good and bad, senders, flush, time limit and resize."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from .ring_rules import BATCH, COUNTS, LAPS, LOOKS, OCCUPIED, Kernel, Left, Word

STARTS = [0, 5, COUNTS - 3, COUNTS - 20, 4 * LAPS - 2]
VERDICTS = st.sampled_from(["accept", "drop"])
ANYTHING = st.sampled_from(["accept", "drop", OCCUPIED, "available", "nonsense"])


class RingRules(RuleBasedStateMachine):
    """A handler that keeps frames and answers some late, and one that writes whatever it likes."""

    @initialize(
        frames=st.sampled_from([4, 8]),
        ordered=st.booleans(),
        start=st.sampled_from(STARTS),
        timeout=st.sampled_from([0, 2]),
    )
    def begin(self, frames: int, ordered: bool, start: int, timeout: int) -> None:
        self.kernel = Kernel(frames, ordered, start, timeout)
        self.seen: list[tuple[int, Word]] = []  # slot and answer for a packet that the handler looked at
        self.runs: list[Iterator[None]] = []
        self.wild = False

    @rule(number=st.integers(1, 6))
    def receive(self, number: int) -> None:
        for _ in range(number):
            self.kernel.receive()

    @rule()
    def look(self) -> None:
        """Remember, for each packet, slot and lap; its answer may come much later, or twice."""
        for count in self.kernel.out():
            slot = self.kernel.slot(count)
            packet = self.kernel.slots[slot]
            if packet:
                self.seen.append((slot, Word("accept", self.kernel.lap(count), packet.name)))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), says=VERDICTS)
    def answer(self, data: st.DataObject, says: str) -> None:
        slot, word = data.draw(st.sampled_from(self.seen))
        self.kernel.words[slot] = Word(says, word.lap, word.meant)

    @rule()
    def answer_all_again(self) -> None:
        """A handler that is far behind: every answer it ever had, into the slot that it was for."""
        for slot, word in self.seen:
            self.kernel.words[slot] = word
        self._send()

    @rule(slot=st.integers(0, 3), says=ANYTHING, lap=st.integers(0, 3))
    def scribble(self, slot: int, says: str, lap: int) -> None:
        self.wild = True
        self.kernel.words[slot] = Word(says, lap)

    @rule()
    def sender_begins(self) -> None:
        run = self.kernel.send()
        if next(run, "done") != "done":
            self.runs.append(run)

    @precondition(lambda self: self.runs)
    @rule()
    def sender_goes_on(self) -> None:
        if next(self.runs[0], "done") == "done":
            self.runs.pop(0)

    @precondition(lambda self: self.runs)
    @rule()
    def sender_reaches_its_bound(self) -> None:
        self.runs.pop(0)
        self.kernel.stop()

    @rule(data=st.data())
    def flush(self, data: st.DataObject) -> None:
        names = st.sets(st.integers(0, max(0, self.kernel.next_name)), max_size=6)
        self.kernel.flush(data.draw(names))

    @rule(ticks=st.integers(1, 3))
    def time_goes_by(self, ticks: int) -> None:
        self.kernel.now += ticks

    @rule(frames=st.sampled_from([4, 8]))
    def resize(self, frames: int) -> None:
        """Only an unmapped ring is exchanged: the handler cannot write to the old one any more."""
        if self.kernel.resize(frames):
            self.seen.clear()

    @rule()
    def settle_all(self) -> None:
        """A good handler answers what is there: when the senders are done nothing of it is left."""
        self.look()
        for count in self.kernel.out():
            slot = self.kernel.slot(count)
            if packet := self.kernel.slots[slot]:
                self.kernel.words[slot] = Word("accept", self.kernel.lap(count), packet.name)
        self._send()
        assert not any(self.kernel.slots)
        assert self.kernel.fp == self.kernel.fa

    @rule(data=st.data())
    def answered_frames_of_an_unordered_queue_do_not_wait(self, data: st.DataObject) -> None:
        kernel = self.kernel
        if kernel.ordered or not kernel.out():
            return
        count = data.draw(st.sampled_from(kernel.out()))
        slot = kernel.slot(count)
        if packet := kernel.slots[slot]:
            kernel.words[slot] = Word("drop", kernel.lap(count), packet.name)
        self._send()
        assert kernel.slots[slot] is None

    @rule()
    def close(self) -> None:
        """What is answered leaves, of an ordered queue up to the first that is not; a copy is closed."""
        closing = deepcopy(self.kernel)
        assert closing.close() <= 2 * (closing.frames // BATCH + closing.frames // LOOKS + 1)
        for count in closing.out():
            slot = closing.slot(count)
            answered = closing.words[slot].says in {"accept", "drop"} and closing.words[
                slot
            ].lap == closing.lap(count)
            assert not (closing.slots[slot] and answered and (not closing.ordered or count == closing.fp))

    @invariant()
    def a_late_word_settles_no_other_packet(self) -> None:
        for each in self._left():
            assert each.word is None or each.word.meant in {None, each.name}
            assert self.wild or each.word is None or each.word.meant is not None

    @invariant()
    def every_packet_leaves_once_or_is_in_a_frame(self) -> None:
        if not hasattr(self, "kernel"):
            return
        names = [each.name for each in self._left()]
        inside = [packet.name for packet in self.kernel.slots if packet]
        assert len(set(names + inside)) == len(names) + len(inside)
        assert len(names) + len(inside) + self.kernel.by_default == self.kernel.next_name

    @invariant()
    def pointers_keep_their_order(self) -> None:
        if hasattr(self, "kernel"):
            kernel = self.kernel
            assert (kernel.fa - kernel.fp) % COUNTS <= kernel.frames
            assert (kernel.scan - kernel.fp) % COUNTS <= (kernel.fa - kernel.fp) % COUNTS

    @invariant()
    def in_order_but_for_what_was_flushed(self) -> None:
        if hasattr(self, "kernel") and self.kernel.ordered:
            names = [each.name for each in self._left() if each.how != "flushed"]
            assert names == sorted(names)

    def _send(self) -> None:
        """Have all runs of the sender end; one that finds nothing new has to."""
        self.sender_begins()
        for _ in range(50):
            if self.runs:
                self.sender_goes_on()
        assert not self.runs, "a sender that does not end"

    def _left(self) -> list[Left]:
        return self.kernel.left if hasattr(self, "kernel") else []


TestRingRules = RingRules.TestCase
TestRingRules.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
