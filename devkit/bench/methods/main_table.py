# SPDX-License-Identifier: MIT
"""Steps of the main table: instructions per packet, packets per second at saturation, latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from devkit.bench.methods.saturation import Search
from devkit.bench.paths.catalogue import PathSetting, Row
from devkit.bench.schedule import Measure, Step
from devkit.bench.workload import loads
from devkit.bench.workload.loads import Load
from devkit.bench.workload.traffic_source import run_checked
from devkit.bench.workload.veth_network import VethNetwork
from devkit.target.qemu import Target

#: Bytes of a packet that are copied, in the column of headers only.
COPY_RANGE = 64
COPY_64 = "copy-64"
_SEARCH_PACKETS = 18_000


def steps(rows: Sequence[Row], runs: int, *, capacity: bool = True) -> list[Step]:
    """All cells of the table for ``rows``, ``runs`` measurements each."""
    return [step for row in rows for step in _row_steps(row, runs, capacity)]


def _row_steps(row: Row, runs: int, capacity: bool) -> list[Step]:
    setting = PathSetting(row)
    found = [_cost_step(row, load.name, setting, load, runs) for load in loads.COST if load != loads.TCP_GSO]
    found.append(Step(f"latency/{row.name}", setting, latency(loads.LATENCY, row.timer_us)))
    if capacity:
        found.append(Step(f"capacity/{row.name}", setting, saturation(row), 8))
    if row.copies_less:
        headers = PathSetting(row, ("--copy-range", str(COPY_RANGE)) if row.command else ())
        found.append(_cost_step(row, COPY_64, headers, loads.UDP_1400, runs))
    if row.gso is not None:
        found.append(_cost_step(row, loads.TCP_GSO.name, PathSetting(row, row.gso), loads.TCP_GSO, runs))
    return found


def _cost_step(row: Row, column: str, setting: PathSetting, load: Load, runs: int) -> Step:
    measure = cost(_paced(row, load), runs, row.timer_us)
    return Step(f"cost/{row.name}/{column}", setting, measure, runs * row.slower)


def _paced(row: Row, load: Load) -> Load:
    return load.slower(row.slower) if load.burst > 1 else load


def cost(load: Load, runs: int, timer_us: int = 0) -> Measure:
    """Measure what a packet costs, ``runs`` times."""

    def measure(target: Target, bed: VethNetwork) -> dict[str, Any]:
        found = [run_checked(target, bed, load, timer_us).record() for _ in range(runs)]
        return {"load": vars(load), "runs": found}

    return measure


def latency(load: Load, timer_us: int = 0) -> Measure:
    """Measure how long each packet stays inside the target."""
    return cost(load, 1, timer_us)


def saturation(row: Row) -> Measure:
    """Find the highest rate of packets of 1400 bytes that the target carries."""
    return Search(replace(loads.UDP_1400, packets=_SEARCH_PACKETS), row.timer_us).run
