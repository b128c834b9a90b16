# SPDX-License-Identifier: MIT
"""The whole of ``invoke bench``: what to measure, in which order, and what is made of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from devkit.bench.fairness import measure as fairness
from devkit.bench.ids import catalogue, costs
from devkit.bench.ids import tcp_streams as ids_streams
from devkit.bench.methods import external_traffic, internal_traffic, main_table, sweeps, tcp_streams
from devkit.bench.paths import laying
from devkit.bench.paths.catalogue import ALL, BY_NAME, PLAIN, Row
from devkit.bench.profiler import profile as instructions
from devkit.bench.profiler.plugin import Counts
from devkit.bench.progress import BenchProgress
from devkit.bench.results import store
from devkit.bench.results.store import Store
from devkit.bench.schedule import Step
from devkit.host import file_lock
from devkit.host.errors import KitError
from devkit.host.progress import say
from devkit.image import summary as image_summary
from devkit.image.base_choice import ImageOptions
from devkit.image.image import Image, build_image
from devkit.measure import throughput_report
from devkit.qemu.extra_disk import SURICATA

SECTIONS = ("table", "rings", "queues", "timers", "profile", "nics", "streams", "ids", "fairness")


@dataclass(frozen=True)
class BenchRequest:
    """What the user asks for.

    quick:    fewer points and runs
    rows:     names of rows; plain forwarding is always among them, as all own costs refer to it
    sections: parts of SECTIONS
    seconds:  length of each TCP stream
    """

    quick: bool = False
    rows: tuple[str, ...] = tuple(row.name for row in ALL)
    sections: tuple[str, ...] = SECTIONS
    seconds: int = 30

    @classmethod
    def parse(cls, *, quick: bool, rows: str, only: str, seconds: int) -> BenchRequest:
        """Read the words of the command line; KitError FQ-ARGUMENT for what there is not."""
        if seconds < 0:
            raise KitError(
                "FQ-ARGUMENT", f"a stream cannot last {seconds} s", "--seconds 1 or more", status=2
            )
        names = _chosen(rows, tuple(BY_NAME), "row")
        return cls(quick, names, _chosen(only, SECTIONS, "part"), seconds or (20 if quick else 30))

    @property
    def runs(self) -> int:
        """Measurements of each figure."""
        return 2 if self.quick else 5

    def chosen(self, rows: Sequence[Row] = ALL) -> list[Row]:
        """Those of ``rows`` that were asked for, and plain forwarding."""
        return [row for row in rows if row.name in self.rows or row == PLAIN]


def _chosen(words: str, known: tuple[str, ...], kind: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in words.split(",") if name.strip())
    for name in names:
        if name not in known:
            raise KitError(
                "FQ-ARGUMENT", f"there is no {kind} {name!r}", f"any of: {', '.join(known)}", status=2
            )
    return names or known


def run_bench(request: BenchRequest, out: Path = store.DEFAULT, base: str = "auto") -> dict[str, Any]:
    """Measure what was asked for into ``out``, going on where an interrupted run stopped; return it all.

    ``base``: of the image that is measured; what was measured on another one is not gone on with.

    KitError where a part cannot be measured; what was measured until then is kept.
    """
    image = build_image(ImageOptions(base))
    out.parent.mkdir(parents=True, exist_ok=True)
    busy = KitError("FQ-BUSY", "another bench run writes there", "wait for its end")
    held = file_lock.hold(out.parent / ".bench.lock", busy)
    surroundings = {**throughput_report.surroundings(), "image": image_summary.identity(image)}
    identity = {**asdict(request), "image": image.description["inputs"]}
    try:
        kept = Store.opened(out, _as_json(identity), surroundings)
        if kept.results:
            say(f"going on after {len(kept.results)} results of an interrupted run")
        with Counts() as counts:
            _measure(request, image, kept, counts)
        kept.finish()
    finally:
        os.close(held)
    return kept.content


def _measure(request: BenchRequest, image: Image, kept: Store, counts: Counts) -> None:
    inner = inside_steps(request)
    # What cannot be built for a row is told before the measurements, not among them.
    for step in inner:
        if step.key not in kept.results:
            laying.files(step.setting.row)
    with_ids = "ids" in request.sections
    if with_ids:
        SURICATA.build(image.rootfs)
    profiles = request.chosen(instructions.ROWS) if "profile" in request.sections else []
    more = instructions.steps(profiles, counts, image)
    flows = []
    if "streams" in request.sections:
        flows = tcp_streams.plan(request.seconds, request.quick, request.chosen())
    points = external_traffic.plan(request.chosen()) if "nics" in request.sections else []
    streaming = tcp_streams.seconds([flow for flow in flows if flow.key not in kept.results])
    with_fairness = "fairness" in request.sections
    last = _ids_seconds(kept) if with_ids else 0.0
    if with_fairness:
        last += fairness.seconds(*fairness.missing(request.quick, kept), request.quick)
    streaming += last
    waiting = streaming + external_traffic.seconds(external_traffic.missing(points, kept), request.runs)
    progress = BenchProgress(kept, [*inner, *more], waiting)
    internal_traffic.measure(image, inner, kept, progress.advance)
    instructions.measure(image, more, kept, progress.advance, counts)
    external_traffic.measure(image, points, request.runs, kept, streaming)
    tcp_streams.measure(image, flows, kept, last)
    if with_ids:
        costs.measure(image, catalogue.costed(), kept)
        ids_streams.measure(image, ids_streams.plan(), 2 if request.quick else 3, kept)
    if with_fairness:
        fairness.measure(image, request.quick, kept)


def _ids_seconds(kept: Store) -> float:
    flows = ids_streams.missing(ids_streams.plan(), kept)
    return costs.seconds(costs.missing(catalogue.costed(), kept)) + ids_streams.seconds(flows)


def inside_steps(request: BenchRequest) -> list[Step]:
    """Return the steps whose traffic is made inside the target."""
    found: list[Step] = []
    if "table" in request.sections:
        found += main_table.steps(request.chosen(), request.runs)
    if "rings" in request.sections:
        found += sweeps.ring_steps(request.runs, request.quick)
    if "queues" in request.sections:
        found += sweeps.queue_steps(request.runs, request.quick)
    if "timers" in request.sections:
        found += sweeps.timer_steps(request.quick)
    return found


def _as_json(value: dict[str, Any]) -> dict[str, Any]:
    """Return it with lists for tuples, as it will be read back."""
    return {key: list(item) if isinstance(item, tuple) else item for key, item in value.items()}
