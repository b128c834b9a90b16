# SPDX-License-Identifier: MIT
"""What ``invoke bench`` and ``invoke tune`` do: measure, show, write the report, compare, advise."""

from __future__ import annotations

from pathlib import Path

from devkit.bench import timer_model
from devkit.bench.fairness import tables as fairness_tables
from devkit.bench.ids import tables as ids_tables
from devkit.bench.report import html, tables
from devkit.bench.report.console_tables import printed
from devkit.bench.results import compare, store
from devkit.bench.results.results import Results
from devkit.bench.runner import BenchRequest, run_bench
from devkit.host.errors import KitError
from devkit.host.progress import console, say

REPORT = store.FOLDER / "report.html"


def bench(*, quick: bool, rows: str, only: str, seconds: int, compare_with: str, base: str = "auto") -> None:
    """Measure, then print tables and write report and raw figures into out/bench.

    ``compare_with`` is an older bench.json, or empty; ``base`` the image's. KitError as run_bench; FQ-BENCH
    where there is no such file.
    """
    request = BenchRequest.parse(quick=quick, rows=rows, only=only, seconds=seconds)
    old = Results(store.load(Path(compare_with))) if compare_with else None
    results = Results(run_bench(request, base=base))
    show(results)
    html.write(results, REPORT)
    say(f"report: {REPORT}")
    say(f"figures: {store.DEFAULT}")
    if old:
        show_changes(old, results)


def show(results: Results) -> None:
    """Print the tables."""
    for title, table in (
        ("Instructions per packet", tables.cost_table(results)),
        ("Own cost, beyond plain forwarding", tables.own_table(results)),
        ("Packets from outside", tables.nic_table(results)),
        ("TCP, real time", tables.stream_table(results)),
        ("IDS", ids_tables.table(results)),
        ("Goals, IDS", ids_tables.goal_table(results)),
        ("Processor taken by unprivileged queues", fairness_tables.share_table(results)),
        ("Pauses of other processes", fairness_tables.pause_table(results)),
        ("Goals", tables.goal_table(results)),
    ):
        if table:
            for part in printed(title, table, console.width):
                console.print(part)
    say(html.WARNING)


def show_changes(old: Results, new: Results) -> None:
    """Print what changed since an older run."""
    found = compare.changes(old, new)
    console.print(compare.table(found))
    for name, run in (("the older", old), ("this", new)):
        if odd := compare.unread(run):
            say(f"left out, as {name} run has no figures there: {', '.join(odd)}")
    worst = compare.worst(found)
    if worst:
        say(f"largest change in the target's own time: {worst.relative:+.2%} ({worst.key})")


def advise(*, load: int, latency: int, burst: int, frame_size: int, memory: int) -> None:
    """Print a setting of the timer-only mode for ``load`` packets/s within ``latency`` us.

    ``memory`` in MB bounds the ring. The model is fitted to out/bench where that has the timer sweep.
    KitError FQ-TUNE where no setting does, FQ-ARGUMENT for numbers that make no sense.
    """
    if min(load, latency, burst, frame_size, memory) <= 0:
        raise KitError(
            "FQ-ARGUMENT", "load, latency, burst, size and memory are above 0", "./inv --help tune", status=2
        )
    if not timer_model.LEAST_FRAME_SIZE <= frame_size <= timer_model.MOST_FRAME_SIZE or frame_size % 64:
        limits = f"{timer_model.LEAST_FRAME_SIZE} to {timer_model.MOST_FRAME_SIZE} bytes"
        what = f"a frame has {limits}, a multiple of 64, not {frame_size}"
        raise KitError("FQ-ARGUMENT", what, "./inv --help tune", status=2)
    measured = Results(store.load(store.DEFAULT)) if store.DEFAULT.exists() else None
    model = timer_model.Model.fitted(measured) if measured else timer_model.Model()
    room = memory * 1_000_000
    advice = timer_model.advise(model, load, latency, frame_size=frame_size, burst=burst, memory=room)
    origin = "out/bench/bench.json" if measured and measured.keys("timer/") else "the kit's own figures"
    say(f"--timer-only --period-us {advice.period_us} --frames {advice.frames} --frame-size {frame_size}")
    say(f"  ring memory {advice.memory / 1e6:.1f} MB, processor {advice.cpu:.0%}")
    say(f"  latency: mean {advice.latency_us:.0f} µs, at most {advice.worst_us:.0f} µs")
    say(f"  model of {origin}: {model.packet_cost:,.0f} instructions a packet, {model.tick_cost:,.0f} a tick")
    say(f"  {html.WARNING}")
