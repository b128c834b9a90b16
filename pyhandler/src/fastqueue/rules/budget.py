# SPDX-License-Identifier: MIT
"""Limit the processor time that rules take for one packet."""

from __future__ import annotations

import time

#: Seconds for one packet; the kernel waits a second for an answer unless it was asked for another time.
PACKET_S = 0.25
#: Rules between two looks at the clock, as long as no search is by the automaton.
RULES_PER_LOOK = 16


class OverBudgetError(Exception):
    """The rules would take too long for this packet."""


class Budget:
    """Processor time of this thread for one packet, from the first look at the clock.

    Time that other threads and programs take does not count.
    """

    __slots__ = ("_end", "_looks", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._looks = 0
        self._seconds = seconds
        self._end: float | None = None

    def check(self) -> None:
        """Look at the clock. Raises OverBudgetError if the time is over."""
        now = time.thread_time()
        if self._end is None:
            self._end = now + self._seconds
        elif now >= self._end:
            raise OverBudgetError

    def look(self) -> None:
        """Count a look at a rule, and look at the clock now and then. Raises OverBudgetError."""
        self._looks += 1
        if self._looks % RULES_PER_LOOK == 0:
            self.check()
