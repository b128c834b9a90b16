# SPDX-License-Identifier: MIT
"""How far a bench run is: each figure as it comes, and the time left."""

from __future__ import annotations

import time

from devkit.bench.results.sample_stats import Spread
from devkit.bench.results.store import Store
from devkit.bench.schedule import Step
from devkit.host.progress import say

#: The first steps say little about the others: so much work of a second each is assumed before them.
_PRIOR = 20.0


class BenchProgress:
    """Time left is that of the work done so far, scaled by the weights of the steps."""

    def __init__(self, store: Store, steps: list[Step], later: float = 0.0) -> None:
        """``later``: seconds that are known to follow (streams in real time)."""
        self._store = store
        self._left = {step.key: step.weight for step in steps if step.key not in store.results}
        self._weight = sum(self._left.values())
        self._later = later
        self._number = len(self._left)
        self._started = time.monotonic()

    def advance(self, step: Step) -> None:
        """Tell that one step is done."""
        self._left.pop(step.key, None)
        number = self._number - len(self._left)
        left = duration(self._seconds_left())
        say(f"  {number}/{self._number}  {step.key}: {brief(self._store.results[step.key])}  ({left} left)")

    def _seconds_left(self) -> float:
        left = sum(self._left.values())
        done = self._weight - left
        elapsed = time.monotonic() - self._started
        return left * (elapsed + _PRIOR) / (done + _PRIOR) + self._later


def brief(result: dict[str, object]) -> str:
    """Return a result in a few words."""
    runs = result.get("runs")
    if isinstance(runs, list):
        spread = per_packet(runs)
        return f"{spread.median:,.0f} instructions a packet ±{spread.relative / 2:.2%}"
    rate = result.get("packets_per_s")
    return f"{rate:,.0f} packets/s" if isinstance(rate, float) else "done"


def per_packet(runs: list[dict[str, int]]) -> Spread:
    """Summarise the instructions per packet of several runs."""
    return Spread.of([(run["virtual_ns"] - run["idle_ns"]) / run["sent"] for run in runs])


def duration(seconds: float) -> str:
    """Write a time in minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
