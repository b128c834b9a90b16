# SPDX-License-Identifier: MIT
"""The tables of the part: processor taken by unprivileged queues, and pauses of others."""

from __future__ import annotations

from devkit.bench.fairness import cases, summary
from devkit.bench.report.tables import Table
from devkit.bench.results.results import Results
from devkit.bench.results.targets import Goal

_SHARE_NOTE = (
    "Unordered rings of 65,536 frames together, period 50 µs, timer only. Taken: progress that another "
    "process loses, less the time of the user's own process, and less the same with empty rings."
)
_PAUSE_NOTE = "Longest delay of a process of higher priority that wakes up every 100 µs."


def share_table(results: Results) -> Table | None:
    """One line for each load that was measured."""
    lines = []
    for load in cases.LOADS:
        if raw := results.raw(load.key):
            share = summary.share(raw)
            ticks = sum(queue["ticks"] for queue in raw["queues"])
            cells = (f"{raw['packets']:,}", f"{ticks:,}", f"{share.process:.2f}")
            goal = Goal(load.label, summary.MOST_SHARE, share.taken, "%")
            lines.append((load.label, *cells, *_judged(goal)))
    heads = ("the user's queues", "packets", "ticks", "own process, %", "taken from others, %", "bound", "")
    return Table(heads, lines, _SHARE_NOTE) if lines else None


def pause_table(results: Results) -> Table | None:
    """One line for each case that was measured."""
    lines = []
    for name, label in cases.PAUSES.items():
        if raw := results.raw(cases.pause_key(name)):
            cells = (f"{raw['packets']:,}", f"{raw['took_ns'] / 1e6:.1f}")
            goal = Goal(label, summary.MOST_PAUSE, summary.pause_ms(raw), "ms")
            lines.append((label, *cells, *_judged(goal)))
    heads = ("what happens to a full ring", "packets", "takes, ms", "longest pause, ms", "bound", "")
    return Table(heads, lines, _PAUSE_NOTE) if lines else None


def _judged(goal: Goal) -> tuple[str, str, str]:
    """Return value, bound and whether it is reached."""
    mark = "reached" if goal.met else "not reached"
    return f"{goal.value:.2f}", f"≤ {goal.bound:g}", mark
