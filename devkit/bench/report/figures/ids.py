# SPDX-License-Identifier: MIT
"""The IDS bars of the paper's figure 7 beside those of a run."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from devkit.bench.ids import catalogue, summary
from devkit.bench.report.figures import style
from devkit.bench.results.results import Results

#: snort-inline over NFQUEUE and over Fast Queue on a Pentium III, Mbit/s (figure 7).
PAPER = (70.0, 112.0)

_COLOURS = {None: style.PLAIN, "nfnetlink_queue": style.NFQUEUE, "fastqueue": style.FASTQUEUE}

Bar = tuple[str, float, str]


def bars(results: Results) -> Figure | None:
    """The paper's two bars, then TCP of each IDS with offloads off and on."""
    parts = [
        (f"{family}, offloads {'on' if offloads else 'off'}", _of(results, family, offloads))
        for family in catalogue.FAMILIES
        for offloads in (False, True)
    ]
    shown = [(title, one) for title, one in parts if one]
    if not shown:
        return None
    paper = [("NFQUEUE", PAPER[0], style.NFQUEUE), ("Fast Queue", PAPER[1], style.FASTQUEUE)]
    shown.insert(0, ("the paper: snort-inline, Pentium III", paper))
    figure = style.blank(0.9 + sum(0.5 + 0.36 * len(one) for _, one in shown))
    grid = figure.subplots(len(shown), 1, squeeze=False, height_ratios=[1 + len(one) for _, one in shown])
    for axes, (title, one) in zip(grid.flat, shown, strict=True):
        _draw(axes, title, one)
    grid[-1][0].set_xlabel(
        "TCP, Mbit/s (paper: real time; here: per second that the target's processor works)"
    )
    return figure


def _of(results: Results, family: str, offloads: bool) -> list[Bar]:
    """Bars of one part; flows that bypass with offloads on are mere forwarding, and would dwarf others."""
    shown = [way for way in catalogue.ALL if way.family == family and not (offloads and way.bypass)]
    rates = [(way, summary.tcp(results, way, offloads)) for way in shown]
    return [(way.label, rate.median, _COLOURS[way.module]) for way, rate in rates if rate]


def _draw(axes: Axes, title: str, one: Sequence[Bar]) -> None:
    names, rates, colours = zip(*one, strict=True)
    drawn = axes.barh(names, rates, color=colours, height=0.62)
    axes.bar_label(drawn, [f"{rate:,.0f}  (×{rate / rates[0]:.2f})" for rate in rates], padding=5)
    axes.set_xlim(0, max(rates) * 1.2)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=10, fontweight="bold", loc="left")
    style.plain_axes(axes)
