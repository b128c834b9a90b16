# SPDX-License-Identifier: MIT
"""The picture of a throughput table: one bar a path, its rate and its ratio to plain forwarding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devkit.host.plotting import Figure, FigureCanvasAgg
from devkit.measure.throughput import Measurement

_COLOURS = {None: "#8a8f98", "nfnetlink_queue": "#c9822b", "fastqueue": "#2a6f97"}


def throughput_figure(results: Sequence[Measurement], subtitle: str) -> Figure:
    """Draw the bars in the order of ``results``, the first on top; ratios are to the first."""
    figure = Figure(figsize=(10, 1.8 + 0.75 * len(results)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    rates = [result.mbit_per_s for result in results]
    highest = [result.extremes[1] for result in results]
    below = [rate - result.extremes[0] for rate, result in zip(rates, results, strict=True)]
    above = [high - rate for rate, high in zip(rates, highest, strict=True)]
    axes.barh(
        [result.path.label for result in results],
        rates,
        color=[_COLOURS[result.path.module] for result in results],
        height=0.62,
        xerr=[below, above],
        error_kw={"ecolor": "#222222", "capsize": 4, "elinewidth": 1},
    )
    for place, (result, high) in enumerate(zip(results, highest, strict=True)):
        axes.annotate(_text(result, rates[0]), (high, place), (8, 0), textcoords="offset points", va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, max(highest) * 1.65)
    axes.set_xlabel(f"TCP throughput, Mbit/s; {_meaning(results)}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.suptitle("Throughput of each path through the target", fontweight="bold")
    axes.set_title(subtitle, fontsize=9, color="#444444")
    return figure


def _meaning(results: Sequence[Measurement]) -> str:
    rounds = len(results[0].samples)
    return (
        f"bar: median of {rounds} rounds, whiskers: lowest and highest" if rounds > 1 else "one stream each"
    )


def _text(result: Measurement, plain: float) -> str:
    rate = result.mbit_per_s
    return f"{rate:.0f} Mbit/s · {rate / plain:.0%} of plain · target CPU {result.cpu:.0%}"


def save(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
