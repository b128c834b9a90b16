# SPDX-License-Identifier: MIT
"""Long walks through the model of test_ring_rules.py, by a seed, that stay where queues are busy.

hypothesis finds the shortest way to a fault; these get to states that take many steps.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from fastqueue import abi

from .ring_rules import COUNTS, FRAME_SIZE
from .sender_rules import rounds, tick
from .test_ring_rules import STARTS, RingRules
from .word_rules import Answer

WALKS, STEPS = 60, 120
#: How often each thing happens.
WEIGHTS = {
    "receive": 6, "look": 4, "answer": 10, "all": 1, "arguments": 1, "scribble": 2, "kick": 5, "tick": 3,
    "device": 1, "hook": 1, "exchange": 1, "go on": 14, "time": 1, "settings": 1,
    "answered": 0.3, "unordered": 1, "close": 0.7,
}  # fmt: skip
ACTIONS = [abi.DROP, abi.ACCEPT]
VERDICTS = [abi.ANSWER_ACCEPT] * 4 + [abi.ANSWER_DROP, abi.ANSWER_REPEAT, abi.ANSWER_QUEUE]


class Walk:
    """One queue after another, of one kind."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.rules = RingRules()
        choose = self.random.choice
        memory, timeout = choose([5, 1 << 20, 1 << 20]), choose([0, 0, 2])
        self.rules.begin(choose([2, 3, 3]), choose([True, False]), choose(STARTS), timeout, memory)

    def step(self) -> None:
        """Do one thing, and check what always holds."""
        names, weights = zip(*WEIGHTS.items(), strict=True)
        self._do(self.random.choices(names, weights)[0])
        self.rules._check()

    def _do(self, name: str) -> None:
        rules, random = self.rules, self.random
        unread = int(random.expovariate(0.2))
        things: dict[str, Callable[[], None]] = {
            "receive": self._receive,
            "kick": lambda: rules._begin(random.choice(["kick 1", "kick 2"]), rounds(rules.queue)),
            "tick": lambda: rules._begin("tick", tick(rules.queue)),
            "device": lambda: rules.device_goes(random.randrange(2)),
            "hook": rules.hook_goes,
            "exchange": lambda: rules.ring_is_exchanged(random.choice([2, 3])),
            "go on": self._go_on,
            "time": lambda: rules.time_goes_by(random.randint(1, 3)),
            "settings": lambda: rules.settings_change(random.choice([0, 0, 2]), random.choice(ACTIONS)),
            "answered": rules.answered_packets_leave,
            "unordered": lambda: rules.answered_frames_of_an_unordered_queue_do_not_wait(unread),
            "close": rules.close,
        }
        if name in things:
            things[name]()
        elif rules.mapped:
            self._handle(name, unread)

    def _receive(self) -> None:
        random = self.random
        kind = {"size": random.choice([1, 1, 2]), "device": random.randrange(2)}
        kind |= {"whole": random.random() < 0.8, "firm": random.random() < 0.2}
        self.rules.receive(random.randint(1, 6), kind)

    def _handle(self, name: str, pick: int) -> None:
        rules, random = self.rules, self.random
        index = random.randrange(4)
        if name == "look":
            rules.look()
        elif name == "answer" and rules.seen:
            flags = random.choice([0, 0, 0, random.randrange(8)]) << 5
            rules.answer(pick, random.choice(VERDICTS) | flags, random.random() < 0.2)
        elif name == "all":
            rules.answer_all_again()
        elif name == "arguments":
            rules.write_arguments(
                index, Answer(0, 0, random.randint(0, FRAME_SIZE + 1), 7, random.randrange(5))
            )
        elif name == "scribble":
            word = random.randrange(COUNTS)
            rules.scribble(index, word, random.random() < 0.7, random.random() < 0.2)

    def _go_on(self) -> None:
        if self.rules.queue.drop_work and self.random.random() < 0.2:
            self.rules.work_begins()
        if self.rules.runs:
            self.rules.process_goes_on(self.random.choice(list(self.rules.runs)), self.random.randint(1, 2))


@pytest.mark.parametrize("first", range(0, WALKS * 10, WALKS))
def test_walks(first: int) -> None:
    for seed in range(first, first + WALKS):
        walk = Walk(seed)
        try:
            for _ in range(STEPS):
                walk.step()
        except AssertionError as error:
            error.add_note(f"walk {seed}")
            raise
