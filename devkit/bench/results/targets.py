# SPDX-License-Identifier: MIT
"""What the project wants to reach, beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass

from devkit.bench.paths.catalogue import (
    EXTENSION_BATCH,
    EXTENSION_SINGLE,
    FASTQUEUE_C,
    NFQUEUE_C,
    PYTHON_BATCH,
    PYTHON_SINGLE,
    Row,
)
from devkit.bench.results.nic_results import NICS
from devkit.bench.results.results import Results
from devkit.bench.workload.loads import LOW, UDP_1400
from devkit.host.cpu_load import NOISY

#: A target less busy than this (0 to 1) in plain forwarding was not the limit: ratios say nothing.
SATURATED = 0.95


@dataclass(frozen=True)
class Goal:
    """``bound`` is the most (``at_most``) or the least that ``value`` may be; value None: not measured."""

    what: str
    bound: float
    value: float | None
    unit: str
    at_most: bool = True

    @property
    def met(self) -> bool | None:
        """Whether it is reached; None where it was not measured."""
        if self.value is None:
            return None
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def goals(results: Results) -> list[Goal]:
    """Return all goals with the figures of ``results``."""
    return [*_costs(results), *_latencies(results), *_streams(results)]


def _costs(results: Results) -> list[Goal]:
    unit = "instructions"
    batch = _python(results, EXTENSION_BATCH, PYTHON_BATCH)
    single = _python(results, EXTENSION_SINGLE, PYTHON_SINGLE)
    return [
        Goal("own cost, C, 1400 bytes", 1000, results.own(FASTQUEUE_C, UDP_1400.name), unit),
        Goal("own cost, Python in batches, 1400 bytes", 2500, batch, unit),
        Goal("own cost, Python one by one, 1400 bytes", 4000, single, unit),
        Goal("own cost, C, 3,000 packets/s", 2200, results.own(FASTQUEUE_C, LOW.name), unit),
        Goal("CPU below NFQUEUE C for the same traffic", 50, _saving(results), "%", at_most=False),
    ]


def _python(results: Results, extension: Row, plain: Row) -> float | None:
    """Own cost with the extension, which a target has and uses; plain Python's where it was not measured."""
    found = results.own(extension, UDP_1400.name)
    return results.own(plain, UDP_1400.name) if found is None else found


def _saving(results: Results) -> float | None:
    ours, theirs = results.cost(FASTQUEUE_C, UDP_1400.name), results.cost(NFQUEUE_C, UDP_1400.name)
    return 100 * (1 - ours.median / theirs.median) if ours and theirs else None


def _latencies(results: Results) -> list[Goal]:
    ours, theirs = results.added_latency(FASTQUEUE_C), results.added_latency(NFQUEUE_C)
    found = [
        Goal("latency added at low load, C, median", 60, ours.median if ours else None, "µs"),
        Goal("latency added at low load, C, 99th percentile", 150, ours.p99 if ours else None, "µs"),
    ]
    if theirs:
        median = ours.median if ours else None
        found.append(Goal("latency added at low load, below NFQUEUE C's", theirs.median, median, "µs"))
    return found


def _streams(results: Results) -> list[Goal]:
    """By the cost inside; in the target's own time through each card; in real time where it was the limit."""
    found = []
    for bound, name, row, path in (
        (0.85, "C", FASTQUEUE_C, "fastqueue-c"),
        (0.7, "Python", EXTENSION_BATCH, "fastqueue-python"),
    ):
        inside = f"TCP of plain forwarding, {name}, source inside"
        found.append(Goal(inside, bound, results.bulk_ratio(row), "", at_most=False))
        for nic in NICS:
            what = f"TCP of plain forwarding, {name}, {nic}"
            ratio = results.nic_tcp_ratio(nic, row)
            found.append(Goal(f"{what}, own time", bound, ratio, "", at_most=False))
            found.append(
                Goal(f"{what}, real time", bound, _real_ratio(results, nic, path), "", at_most=False)
            )
    return found


def _real_ratio(results: Results, nic: str, path: str) -> float | None:
    """None where the host was the limit; time that it takes from the target counts as the target's use."""
    one, plain = results.stream(nic, path), results.stream(nic, "plain")
    if not one or not plain or plain["cpu"] < SATURATED or max(one["others"], plain["others"]) >= NOISY:
        return None
    return results.tcp_ratio(nic, path)
