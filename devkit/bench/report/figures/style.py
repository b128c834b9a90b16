# SPDX-License-Identifier: MIT
"""What all pictures share: colours, size, the way into a page."""

from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from devkit.bench.paths.catalogue import Row
from devkit.bench.results.results import Results

Draw = Callable[[Results], Figure | None]

PLAIN = "#8a8f98"
NFQUEUE = "#c9822b"
FASTQUEUE = "#2a6f97"
TIMER = "#7fb2cf"
MODEL = "#a23b72"
_BY_MODULE = {None: PLAIN, "nfnetlink_queue": NFQUEUE, "fastqueue": FASTQUEUE}

_WIDTH = 9.0


def colour(row: Row) -> str:
    """Return the colour of a row's bars."""
    return TIMER if row.timer_us else _BY_MODULE[row.module]


def blank(height: float) -> Figure:
    """Return an empty figure of the page's width, ``height`` inches high."""
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def plain_axes(axes: Axes) -> None:
    """Take away the lines that say nothing."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def logarithmic(axes: Axes) -> None:
    """Make the y axis logarithmic, with 1, 2 and 5 of each decade named."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    thousands(axes.yaxis)


def thousands(axis: Axis) -> None:
    """Write the axis' numbers whole, with commas."""
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_minor_formatter(NullFormatter())


def svg(figure: Figure, name: str) -> str:
    """Return the figure as an <svg> element: text stays text, and the same figure gives the same bytes."""
    sink = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        figure.savefig(sink, format="svg", metadata={"Date": None, "Creator": None})
    text = sink.getvalue()
    return text[text.index("<svg") :]
