# SPDX-License-Identifier: MIT
"""Two bench runs side by side: what changed, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from devkit.bench.results import Results
from devkit.bench.spread import change

#: Changes below this are not worth a look: two whole runs agree better (0.02: two percent).
NOTABLE = 0.02


@dataclass(frozen=True)
class Change:
    """One figure of two runs."""

    key: str
    unit: str
    old: float
    new: float

    @property
    def relative(self) -> float:
        """Relative change: 0.02 for two percent more."""
        return change(self.old, self.new)


def changes(old: Results, new: Results) -> list[Change]:
    """Return every figure that both runs have, in the new one's order."""
    before, after = _figures(old), _figures(new)
    return [
        Change(key, unit, before[key, unit], value)
        for (key, unit), value in after.items()
        if (key, unit) in before
    ]


def _figures(results: Results) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for row in results.rows():
        for key in results.keys(f"cost/{row.name}/"):
            cost = results.cost(row, key.rpartition("/")[2])
            if cost:
                found[key, "instructions"] = cost.median
        latency, capacity = results.latency(row), results.capacity(row)
        if latency:
            found[f"latency/{row.name}", "µs"] = latency.median
        if capacity:
            found[f"capacity/{row.name}", "packets/s"] = capacity
    for key in results.keys("stream/"):
        stream = results.raw(key)
        if stream:
            found[key, "Mbit/s"] = stream["mbit_per_s"]
    return found


def table(found: list[Change]) -> Table:
    """Return the table; changes of NOTABLE and more stand out."""
    shown = Table(title="What changed (TCP streams run in real time: those depend on the host)")
    shown.add_column("figure", no_wrap=True)
    for heading in ("before", "now", "change"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        style = "bold" if abs(one.relative) >= NOTABLE else None
        values = (f"{one.old:,.0f}", f"{one.new:,.0f} {one.unit}", f"{one.relative:+.2%}")
        shown.add_row(one.key, *values, style=style)
    return shown


def worst(found: list[Change]) -> Change | None:
    """Return the largest change of the figures in the target's own time."""
    inside = [one for one in found if one.unit != "Mbit/s"]
    return max(inside, key=lambda one: abs(one.relative), default=None)
