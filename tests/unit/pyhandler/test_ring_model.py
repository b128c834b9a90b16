# SPDX-License-Identifier: MIT
"""Any interleaving of receiver, handler, sender and time limit, against what must hold."""

from __future__ import annotations

from contextlib import suppress

from fastqueue import Frame, Queue, RingOptions, abi
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .fake_kernel import FakeKernel

FRAMES = 8
VERDICTS = {abi.ANSWER_ACCEPT: abi.ACCEPT, abi.ANSWER_DROP: abi.DROP}


class RingMachine(RuleBasedStateMachine):
    """A handler that keeps frames, answers some late, some never, some twice."""

    kernel: FakeKernel
    queue: Queue

    def __init__(self) -> None:
        super().__init__()
        self.held: list[tuple[int, Frame]] = []  # packet's name, its frame
        self.answers: dict[int, set[int]] = {}  # packet's name: verdicts given
        self.timed_out: set[int] = set()

    @initialize(start=st.sampled_from([0, 6, (1 << 32) - 5, (1 << 32) - 30, FRAMES * 0x1000000 - 4]))
    def open(self, start: int) -> None:
        request = RingOptions(0, frames=FRAMES, frame_size=64)
        self.kernel = FakeKernel(request, start)
        self.queue = Queue(request, backend=self.kernel)

    @rule(number=st.integers(1, 10))
    def receive(self, number: int) -> None:
        for _ in range(number):
            self.kernel.receive(self.kernel.next_name.to_bytes(4, "big"))

    @rule()
    def take(self) -> None:
        batch = self.queue.wait(0)
        self.held += [(int.from_bytes(frame.payload, "big"), frame) for frame in batch]

    @rule(answer=st.sampled_from(list(VERDICTS)))
    def answer_a_batch(self, answer: int) -> None:
        batch = self.queue.wait(0)
        for frame in batch:
            self._note(int.from_bytes(frame.payload, "big"), answer)
        if answer == abi.ANSWER_ACCEPT:
            batch.accept_all()
        else:
            batch.drop_all()

    @precondition(lambda self: self.held)
    @rule(data=st.data(), answer=st.sampled_from(list(VERDICTS)), keep=st.booleans())
    def answer_one(self, data: st.DataObject, answer: int, keep: bool) -> None:
        index = data.draw(st.integers(0, len(self.held) - 1))
        name, frame = self.held[index] if keep else self.held.pop(index)
        frame.answer(answer)
        self._note(name, answer)

    @rule()
    def send(self) -> None:
        self.kernel.send()

    @rule(number=st.integers(1, FRAMES))
    def time_out(self, number: int) -> None:
        number = min(number, len(self.kernel.slots))
        before = len(self.kernel.settled)
        self.kernel.time_out(number)
        self.timed_out |= {each.name for each in self.kernel.settled[before:]}

    def _note(self, name: int, answer: int) -> None:
        self.answers.setdefault(name, set()).add(VERDICTS[answer])

    @invariant()
    def packets_leave_once_in_order_as_decided(self) -> None:
        with suppress(AttributeError):  # before open
            kernel = self.kernel
            names = [each.name for each in kernel.settled]
            assert names == sorted(set(names))
            for each in kernel.settled:
                assert each.name in self.timed_out or each.verdict in self.answers[each.name]
            assert kernel.next_name == len(names) + len(kernel.slots) + len(kernel.default_answers)

    @invariant()
    def a_late_answer_costs_nobody_elses(self) -> None:
        with suppress(AttributeError):
            assert self.kernel.invalid_words == 0

    def teardown(self) -> None:
        if hasattr(self, "queue"):
            self.queue.close()


def test_ring_model() -> None:
    run_state_machine_as_test(RingMachine, settings=settings(max_examples=60, stateful_step_count=40))
