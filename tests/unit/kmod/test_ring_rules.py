# SPDX-License-Identifier: MIT
"""Any interleaving of receiver, handlers good and bad, senders, flush, hooks that go, time and resize."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fastqueue import abi
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from .flush_rules import close, drop_all, drop_work, flush_matching, resize
from .ring_rules import COUNTS, FRAME_SIZE, WILD, Packet, Queue, Ring
from .sender_rules import SWEEP_BATCHES, rounds, tick
from .word_rules import Answer

ORDERS = st.sampled_from([2, 3])
STARTS = [0, 5, COUNTS - 3, COUNTS - 20, (4 << 24) - 2, (8 << 24) - 5]
ACTIONS = st.sampled_from([abi.DROP, abi.ACCEPT])
DEVICES = st.integers(0, 1)
WORDS = st.integers(0, COUNTS - 1)
PICKS = st.integers(0, 100)
#: Processed, with each verdict and any flags.
ANSWERS = st.builds(
    lambda verdict, flags: abi.PROCESSED | verdict << abi.VERDICT_SHIFT | flags << 5,
    st.sampled_from([abi.ACCEPT, abi.DROP, abi.REPEAT, abi.QUEUE]),
    st.just(0) | st.integers(0, 7),
)
ARGUMENTS = st.builds(Answer, WORDS, WORDS, st.integers(0, FRAME_SIZE + 1), st.just(7), st.integers(0, 4))
KINDS = st.fixed_dictionaries(
    {"size": st.integers(1, 2), "device": DEVICES, "whole": st.booleans(), "firm": st.booleans()}
)
PROCESSES = ["kick 1", "kick 2", "tick", "device", "work", "resize"]
FLUSHED = {"device gone", "hook gone", "not moved", "closed"}


class RingRules(RuleBasedStateMachine):
    """A handler that keeps frames and answers some late, and one that writes whatever it likes."""

    @initialize(
        order=ORDERS,
        ordered=st.booleans(),
        start=st.sampled_from(STARTS),
        timeout=st.sampled_from([0, 2]),
        memory=st.sampled_from([5, 1 << 20]),
    )
    def begin(self, order: int, ordered: bool, start: int, timeout: int, memory: int) -> None:
        self.first = (order, ordered, start, timeout, memory)
        self.queue = Queue(Ring(order), ordered, start, timeout, memory)
        self.seen: list[tuple[int, int, int]] = []  # slot, lap and name of packets that the handler looked at
        self.runs: dict[str, Iterator[None]] = {}
        self.wild = False
        self.mapped = True
        self.doomed: set[int] = set()  # in the queue when a hook went
        self.late: set[int] = set()  # came after that, while the ring was exchanged

    # receiver

    @rule(number=st.integers(1, 6), kind=KINDS)
    def receive(self, number: int, kind: dict[str, int]) -> None:
        for _ in range(number):
            packet = Packet(self.queue.next_name, **kind)  # type: ignore[arg-type]
            if self.queue.resizing and self.queue.dropping:
                self.late.add(packet.name)
            self.queue.receive(packet)

    # handler

    @precondition(lambda self: self.mapped)
    @rule()
    def look(self) -> None:
        """Remember, for each packet, slot and lap; its answer may come much later, or twice."""
        ring = self.queue.ring
        for count in self.queue.out():
            if packet := ring.packet(count):
                self.seen.append((ring.index(count), ring.lap(count), packet.name))

    @precondition(lambda self: self.mapped and self.seen)
    @rule(pick=PICKS, says=ANSWERS, while_read=st.booleans())
    def answer(self, pick: int, says: int, while_read: bool) -> None:
        """Also at the worst moment: right after the sender has read a word, perhaps this one."""
        index, lap, name = self.seen[-1 - pick % len(self.seen)]
        if while_read:
            self.queue.race = (index, says | lap, name)
        else:
            self.queue.ring.store(index, says | lap, name)

    @precondition(lambda self: self.mapped)
    @rule()
    def answer_all_again(self) -> None:
        """A handler that is far behind: every answer it ever had, into the slot that it was for."""
        for index, lap, name in self.seen:
            self.queue.ring.store(index, abi.ANSWER_ACCEPT | lap, name)

    @precondition(lambda self: self.mapped)
    @rule(index=st.integers(0, 3), arguments=ARGUMENTS)
    def write_arguments(self, index: int, arguments: Answer) -> None:
        self.queue.ring.answers[index] = arguments

    @precondition(lambda self: self.mapped)
    @rule(index=st.integers(0, 3), word=WORDS, near=st.booleans(), while_read=st.booleans())
    def scribble(self, index: int, word: int, near: bool, while_read: bool) -> None:
        """Write any word, or one that differs from the slot's in one bit of the lap and the low eight."""
        self.wild = True
        if near:
            word = (
                self.queue.ring.words[index] & abi.LAP_MASK ^ 1 << (word >> 8) % 48 & abi.LAP_MASK
                | word & 255
            )
        if while_read:
            self.queue.race = (index, word, WILD)
        else:
            self.queue.ring.store(index, word, WILD)

    # the kernel's processes

    @rule(name=st.sampled_from(["kick 1", "kick 2", "tick"]))
    def sender_begins(self, name: str) -> None:
        self._begin(name, tick(self.queue) if name == "tick" else rounds(self.queue))

    @rule(device=DEVICES)
    def device_goes(self, device: int) -> None:
        self._begin("device", self._device_goes(device))

    def _device_goes(self, device: int) -> Iterator[None]:
        names = {packet.name for packet in self.queue.packets() if packet.device == device}
        yield from flush_matching(self.queue, "device gone", abi.DROP, device)
        assert not names & {packet.name for packet in self.queue.packets()}

    @rule()
    def hook_goes(self) -> None:
        self.doomed |= {packet.name for packet in self.queue.packets()}
        drop_all(self.queue)

    @precondition(lambda self: self.queue.drop_work)
    @rule()
    def work_begins(self) -> None:
        if "work" not in self.runs:
            self.queue.drop_work = False
            self._begin("work", drop_work(self.queue))

    @rule(order=ORDERS)
    def ring_is_exchanged(self, order: int) -> None:
        """Only an unmapped ring is: the handler cannot write to the old one any more."""
        self._begin("resize", self._resize(order))

    def _resize(self, order: int) -> Iterator[None]:
        self.mapped, self.queue.race = False, None
        self.seen.clear()
        yield from resize(self.queue, Ring(order))
        self.mapped = True

    @precondition(lambda self: self.runs)
    @rule(name=st.sampled_from(PROCESSES), steps=st.integers(1, 4))
    def process_goes_on(self, name: str, steps: int) -> None:
        for _ in range(steps):
            self._step(name if name in self.runs else next(iter(self.runs), name))

    def _begin(self, name: str, run: Iterator[None]) -> None:
        if name not in self.runs:
            self.runs[name] = run
            self._step(name)

    def _step(self, name: str) -> None:
        if name in self.runs and next(self.runs[name], self) is self:
            del self.runs[name]

    def _finish(self, *names: str) -> None:
        """Have processes come to their end, all in turn; those that find nothing new have to."""
        for _ in range(200):
            for name in list(self.runs):
                self._step(name)
            self._start_work()
            if not self.runs.keys() & set(names):
                return
        raise AssertionError(f"without an end: {list(self.runs)}")

    def _start_work(self) -> None:
        if self.queue.drop_work and "work" not in self.runs:
            self.work_begins()

    def _tick(self) -> None:
        """Have all of them end, and let the timer run for as long as it may take."""
        self._finish(*PROCESSES)
        for _ in range(2 * SWEEP_BATCHES):
            self._begin("tick", tick(self.queue))
            self._finish(*PROCESSES)

    # others

    @rule(ticks=st.integers(1, 3))
    def time_goes_by(self, ticks: int) -> None:
        self.queue.now += ticks

    @rule(limit=st.sampled_from([0, 0, 2]), action=ACTIONS)
    def settings_change(self, limit: int, action: int) -> None:
        self.queue.limit, self.queue.default_action = limit, action

    # checks

    @rule()
    def answered_packets_leave(self) -> None:
        """A good handler answers what is there: when the senders are done nothing of it is left."""
        self._finish(*PROCESSES)
        queue, self.queue.race = self.queue, None
        for count in queue.out():
            if packet := queue.ring.packet(count):
                word = abi.ANSWER_ACCEPT | queue.ring.lap(count)
                queue.ring.store(queue.ring.index(count), word, packet.name)
        self._tick()
        assert not queue.packets()
        assert (queue.fp, queue.held, queue.dropping) == (queue.fa, 0, False)

    @rule(pick=PICKS)
    def answered_frames_of_an_unordered_queue_do_not_wait(self, pick: int) -> None:
        self._finish(*PROCESSES)
        queue, self.queue.race = self.queue, None
        if queue.ordered or not queue.out():
            return
        count = queue.out()[pick % len(queue.out())]
        packet = queue.ring.packet(count)
        if not packet:
            return
        queue.ring.store(queue.ring.index(count), abi.ANSWER_DROP | queue.ring.lap(count), packet.name)
        self._tick()
        assert packet not in queue.packets()

    @rule()
    def close(self) -> None:
        """What is answered leaves, of an ordered queue up to the first that is not; another queue follows."""
        self._finish("kick 1", "kick 2", "resize")
        queue, self.queue.race = self.queue, None
        self._begin("close", close(queue, lambda: not self.runs.keys() - {"close"}))
        self._finish("close")
        for count in queue.out():
            assert not (queue.answered(count) and (not queue.ordered or count == queue.fp))
        for _ in flush_matching(queue, "closed", queue.default_action):
            pass
        assert not queue.packets()
        self._check()
        self.begin(*self.first)

    @invariant()
    def what_always_holds(self) -> None:
        if hasattr(self, "queue"):
            self._check()

    def _check(self) -> None:
        self._check_words()
        self._check_books()
        self._check_pointers()
        self._check_order()
        self._check_hooks()

    def _check_words(self) -> None:
        """A late word settles no other packet."""
        for each in [*self.queue.left, *self.queue.leaving]:
            # frames of the new ring that were dropped at once are free only when a sender has been there
            assert each.how != "not moved" or each.name in self.late
            if each.how == "answered":
                assert each.author == each.name or (self.wild and each.author == WILD)

    def _check_books(self) -> None:
        """Every packet leaves once or is in the queue, and so say counters and memory."""
        queue = self.queue
        names = [each.name for each in [*queue.left, *queue.leaving]]
        names += [packet.name for packet in queue.packets()]
        assert len(set(names)) == len(names)
        assert len(names) + queue.stats.by_default == queue.next_name
        occupying = [packet for packet in queue.packets() if packet not in queue.unmoved]
        assert queue.occupied() == len(occupying)
        assert queue.held == sum(packet.size for packet in occupying) <= queue.memory

    def _check_pointers(self) -> None:
        queue = self.queue
        assert (queue.fa - queue.fp) % COUNTS <= queue.ring.frames
        if queue.sweeping:
            assert (queue.scan - queue.fp) % COUNTS <= (queue.fa - queue.fp) % COUNTS

    def _check_order(self) -> None:
        """In order, but for what was flushed."""
        if self.queue.ordered:
            names = [each.name for each in self.queue.left if each.how not in FLUSHED]
            assert all(first < second for first, second in pairwise(names))

    def _check_hooks(self) -> None:
        """A packet that was queued when a hook went goes nowhere; those that came later do not mind."""
        for each in self.queue.left:
            assert each.verdict == abi.DROP or each.name not in self.doomed
            assert each.how != "hook gone" or each.name in self.doomed | self.queue.marked_again
        dropping = self.queue.dropping
        assert not dropping or self.queue.drop_work or self.queue.resizing or "work" in self.runs


TestRingRules = RingRules.TestCase
TestRingRules.settings = settings(max_examples=150, stateful_step_count=40)
