# SPDX-License-Identifier: MIT
"""Pictures of the main table: cost of a packet, saturation, latency."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from devkit.bench.paths.catalogue import PLAIN, Row
from devkit.bench.report.figures import style
from devkit.bench.results.results import Results
from devkit.bench.workload.loads import UDP_1400


def cost(results: Results) -> Figure | None:
    """Instructions per packet: plain forwarding's part, and what the queue adds."""
    rows = [row for row in results.rows() if results.own(row, UDP_1400.name) is not None]
    plain = results.cost(PLAIN, UDP_1400.name)
    if not rows or not plain:
        return None
    figure, axes = _bars(rows)
    own = [results.own(row, UDP_1400.name) or 0.0 for row in rows]
    names, colours = [row.label for row in rows], [style.colour(row) for row in rows]
    axes.barh(names, [plain.median] * len(rows), color=style.PLAIN, height=0.62, label="plain forwarding")
    bars = axes.barh(names, own, left=plain.median, color=colours, height=0.62, label="own cost")
    axes.bar_label(bars, [f"+{value:,.0f}" if value else f"{plain.median:,.0f}" for value in own], padding=5)
    axes.set_xlim(0, (plain.median + max(own)) * 1.12)
    style.thousands(axes.xaxis)
    axes.set_xlabel("guest instructions per packet of 1400 bytes; grey: plain forwarding, colour: own cost")
    return figure


def saturation(results: Results) -> Figure | None:
    """Highest rate without a loss."""
    rows = [row for row in results.rows() if results.capacity(row)]
    if not rows:
        return None
    figure, axes = _bars(rows)
    rates = [(results.capacity(row) or 0.0) / 1000 for row in rows]
    bars = axes.barh(
        [row.label for row in rows], rates, color=[style.colour(row) for row in rows], height=0.62
    )
    axes.bar_label(bars, [f"{rate:,.1f}" for rate in rates], padding=5)
    axes.set_xlim(0, max(rates) * 1.12)
    axes.set_xlabel("thousand packets of 1400 bytes per second of the target's time, without a loss")
    return figure


def latency(results: Results) -> Figure | None:
    """Latency added at low load: median to 99th percentile, on a logarithmic scale."""
    rows = [row for row in results.rows() if row != PLAIN and results.added_latency(row)]
    if not rows:
        return None
    figure, axes = _bars(rows)
    for place, row in enumerate(rows):
        added = results.added_latency(row)
        assert added
        axes.plot([added.median, added.p99], [place, place], color=style.colour(row), linewidth=6, alpha=0.4)
        axes.plot(added.median, place, "o", color=style.colour(row), markersize=9)
        text = f"{added.median:,.1f} / {added.p99:,.1f} µs"
        axes.annotate(text, (added.p99, place), (10, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.set_xscale("log")
    axes.set_xlim(1, 10_000)
    style.thousands(axes.xaxis)
    axes.set_xlabel("µs added to plain forwarding's at 3,000 packets/s: median (dot) to 99th percentile")
    return figure


def _bars(rows: list[Row]) -> tuple[Figure, Axes]:
    figure = style.blank(0.9 + 0.48 * len(rows))
    axes = figure.add_subplot()
    axes.invert_yaxis()
    style.plain_axes(axes)
    return figure, axes
