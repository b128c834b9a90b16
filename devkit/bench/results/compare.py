# SPDX-License-Identifier: MIT
"""Two bench runs side by side: what changed, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from devkit.bench.fairness import summary as fairness
from devkit.bench.progress import per_packet
from devkit.bench.results import nic_results
from devkit.bench.results.results import Results
from devkit.bench.results.sample_stats import change, quantile

#: Changes below this are not worth a look: two whole runs agree better (0.02: two percent).
NOTABLE = 0.02

#: Results that depend on the host, somewhat or wholly.
_FROM_OUTSIDE = ("nic/", "stream/", "ids/tcp/")

_Figures = Iterator[tuple[str, str, float]]


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

    @property
    def inside(self) -> bool:
        """Whether the target's own time alone decides about it."""
        return not self.key.startswith(_FROM_OUTSIDE)


def changes(old: Results, new: Results) -> list[Change]:
    """Return every figure that both runs have, in the new one's order."""
    before, after = _figures(old), _figures(new)
    return [
        Change(key, unit, before[key, unit], value)
        for (key, unit), value in after.items()
        if (key, unit) in before
    ]


def unread(results: Results) -> list[str]:
    """Return the keys of results of which no figure can be made: another kit's, or damaged."""
    return [key for key in results.keys("") if not _read(key, results.raw(key) or {})]


def _figures(results: Results) -> dict[tuple[str, str], float]:
    return {
        (name, unit): value
        for key in results.keys("")
        for name, unit, value in _read(key, results.raw(key) or {})
    }


def _read(key: str, raw: dict[str, Any]) -> list[tuple[str, str, float]]:
    """Return name, unit and value of each figure of a result; none where it is not as this kit writes it."""
    for prefix, read in _READERS.items():
        if key.startswith(prefix):
            try:
                return [(key + what, unit, float(value)) for what, unit, value in read(raw)]
            except (AttributeError, LookupError, TypeError, ValueError, ZeroDivisionError):
                return []
    return []


def _cost(raw: dict[str, Any]) -> _Figures:
    yield "", "instructions", per_packet(raw["runs"]).median


def _profile(raw: dict[str, Any]) -> _Figures:
    yield "", "instructions", raw["per_packet"]


def _latency(raw: dict[str, Any]) -> _Figures:
    yield "", "µs", quantile(raw["runs"][0]["latency_ns"], 0.5) / 1000


def _capacity(raw: dict[str, Any]) -> _Figures:
    yield "", "packets/s", raw["packets_per_s"]


def _timer(raw: dict[str, Any]) -> _Figures:
    yield " cost", "instructions", per_packet([raw["cost"]]).median
    yield " latency", "µs", quantile(raw["latency"]["latency_ns"], 0.5) / 1000
    yield " highest rate", "packets/s", raw["saturation"]["packets_per_s"]


def _card(raw: dict[str, Any]) -> _Figures:
    if "rest" in raw:
        yield "", "instructions", nic_results.udp_cost(raw).median
    else:
        yield "", "Mbit/working s", nic_results.tcp_rate(raw).median


def _stream(raw: dict[str, Any]) -> _Figures:
    yield "", "Mbit/s", raw["mbit_per_s"]


def _share(raw: dict[str, Any]) -> _Figures:
    yield "", "% of a processor", fairness.share(raw).taken


def _pause(raw: dict[str, Any]) -> _Figures:
    yield "", "ms", fairness.pause_ms(raw)


_READERS: dict[str, Callable[[dict[str, Any]], _Figures]] = {
    "cost/": _cost,
    "latency/": _latency,
    "capacity/": _capacity,
    "ring/": _cost,
    "queues/": _cost,
    "timer/": _timer,
    "profile/": _profile,
    "nic/": _card,
    "stream/": _stream,
    "ids/cost/": _profile,
    "ids/tcp/": _card,
    "fairness/share/": _share,
    "fairness/pause/": _pause,
}


def table(found: list[Change]) -> Table:
    """Return the table; changes of NOTABLE and more stand out."""
    shown = Table(title="What changed (nic, stream and ids/tcp depend on the host)")
    shown.add_column("figure", no_wrap=True)
    for heading in ("before", "now", "change"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        style = "bold" if abs(one.relative) >= NOTABLE else None
        digits = 0 if max(abs(one.old), abs(one.new)) >= 100 else 1
        values = (f"{one.old:,.{digits}f}", f"{one.new:,.{digits}f} {one.unit}", f"{one.relative:+.2%}")
        shown.add_row(one.key, *values, style=style)
    return shown


def worst(found: list[Change]) -> Change | None:
    """Return the largest change of the figures in the target's own time."""
    return max((one for one in found if one.inside), key=lambda one: abs(one.relative), default=None)
