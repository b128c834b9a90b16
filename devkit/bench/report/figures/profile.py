# SPDX-License-Identifier: MIT
"""The paper's figure 1: where the CPU goes, NFQUEUE's path and Fast Queue's side by side."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from devkit.bench.paths.catalogue import FASTQUEUE_C, NFQUEUE_C, Row
from devkit.bench.report.figures import style
from devkit.bench.results.results import Results
from devkit.bench.workload.loads import UDP_1400

_FUNCTIONS = 18


def shares(results: Results) -> Figure | None:
    """Functions with their share of all guest instructions, the dearest of each path."""
    profiles = [(row, results.profile(row, UDP_1400.name)) for row in (NFQUEUE_C, FASTQUEUE_C)]
    if not all(found for _, found in profiles):
        return None
    figure = style.blank(5.6)
    widest = max(max(found.values()) / sum(found.values()) for _, found in profiles if found)
    for axes, (row, found) in zip(figure.subplots(1, 2), profiles, strict=True):
        assert found
        _draw(axes, row, found)
        axes.set_xlim(0, 100 * widest * 1.3)
    return figure


def _draw(axes: Axes, row: Row, found: dict[str, float]) -> None:
    whole = sum(found.values())
    top = list(found.items())[:_FUNCTIONS]
    names = [name for name, _ in top]
    parts = [100 * count / whole for _, count in top]
    colours = [style.colour(row) if "[" in name else style.PLAIN for name in names]
    bars = axes.barh(names, parts, color=colours, height=0.7)
    axes.bar_label(bars, [f"{count:,.0f}" for _, count in top], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=8)
    axes.set_title(f"{row.label}: {whole:,.0f} a packet", fontsize=10, fontweight="bold")
    axes.set_xlabel("% of all; label: instructions a packet", fontsize=9)
    style.plain_axes(axes)
