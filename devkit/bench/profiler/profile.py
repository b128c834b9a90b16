# SPDX-License-Identifier: MIT
"""Profiles of the rows: instructions of each function per packet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from devkit.bench.methods import internal_traffic
from devkit.bench.methods.internal_traffic import Advance
from devkit.bench.paths.catalogue import FASTQUEUE_C, NFQUEUE_C, PLAIN, PYTHON_BATCH, PathSetting, Row
from devkit.bench.profiler.plugin import Counts
from devkit.bench.profiler.symbols import Symbols, totals
from devkit.bench.results.store import Store
from devkit.bench.schedule import Measure, Step
from devkit.bench.workload import loads
from devkit.bench.workload.traffic_source import run_checked
from devkit.bench.workload.veth_network import VethNetwork
from devkit.image.image import Image
from devkit.target.base import understood
from devkit.target.qemu import Target

ROWS = (PLAIN, NFQUEUE_C, FASTQUEUE_C, PYTHON_BATCH)
LOADS = (
    replace(loads.UDP_1400, packets=6_000),
    replace(loads.LOW, packets=1_500),
)
#: Functions with less than this a packet are summed up as one (instructions).
_LEAST = 0.5
REST = "all others"


def steps(rows: Sequence[Row], counts: Counts, image: Image) -> list[Step]:
    """Profiles of ``rows`` under each load, by ``counts`` of the boot that measure() does."""
    kernel = (image.kernel_build.parent / "System.map").read_text().splitlines()
    return [
        Step(f"profile/{row.name}/{load.name}", PathSetting(row), _measure(load, row, counts, kernel), 10)
        for row in rows
        for load in LOADS
    ]


def _measure(load: loads.Load, row: Row, counts: Counts, kernel: list[str]) -> Measure:
    def measure(target: Target, made: VethNetwork) -> dict[str, Any]:
        modules = target.run("grep '\\[' /proc/kallsyms", check=False).output
        found = run_checked(target, made, load, row.timer_us)
        with understood("the symbols of its modules", modules):
            symbols = Symbols([*kernel, *modules.splitlines()])
        counted = totals(counts.read(), symbols)
        return {
            "load": vars(load),
            "per_packet": found.per_packet,
            "functions": _shares(counted, found.sent),
        }

    return measure


def _shares(counted: dict[str, int], packets: int) -> dict[str, float]:
    """Return instructions per packet, most first."""
    ordered = sorted(counted.items(), key=lambda item: -item[1])
    shown = {name: round(count / packets, 2) for name, count in ordered if count >= _LEAST * packets}
    rest = sum(count for _, count in ordered) / packets - sum(shown.values())
    return {**shown, REST: round(rest, 2)}


def measure(image: Image, steps: Sequence[Step], store: Store, advance: Advance, counts: Counts) -> None:
    """Profile what the store does not have, in a boot of its own: the plugin makes QEMU slow."""
    if all(step.key in store.results for step in steps):
        return
    internal_traffic.measure(image, steps, store, advance, counts.profile(internal_traffic.PROFILE))
