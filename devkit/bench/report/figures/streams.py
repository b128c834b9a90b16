# SPDX-License-Identifier: MIT
"""The paper's figure 7: throughput and CPU over time."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from devkit.bench.report.figures import style
from devkit.bench.results.results import Results

_COLOURS = {
    "plain": style.PLAIN,
    "nfqueue-c": style.NFQUEUE,
    "fastqueue-python": style.TIMER,
    "fastqueue-c": style.FASTQUEUE,
}
#: Samples are means of so many seconds, as in the paper.
_INTERVAL = 5


def over_time(results: Results) -> Figure | None:
    """One column for each network card: throughput above, CPU below."""
    machines = list(dict.fromkeys(key.split("/")[1] for key in results.keys("stream/")))
    if not machines:
        return None
    figure = style.blank(4.6)
    grid = figure.subplots(2, len(machines), squeeze=False, sharex="col")
    for column, machine in enumerate(machines):
        for key in results.keys(f"stream/{machine}/"):
            raw = results.raw(key)
            assert raw
            _curve(grid[0][column], raw, "mbit_samples", 1)
            _curve(grid[1][column], raw, "cpu_samples", 100)
        grid[0][column].set_title(machine.replace("-", ", "), fontsize=10, fontweight="bold")
        grid[1][column].set_xlabel("s")
    for axes in grid.flat:
        style.plain_axes(axes)
        axes.set_ylim(bottom=0)
    for axes in grid[1]:
        axes.set_ylim(0, 105)
    grid[0][0].set_ylabel("TCP, Mbit/s")
    grid[1][0].set_ylabel("target CPU, %")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _curve(axes: Axes, raw: dict[str, Any], name: str, scale: float) -> None:
    times, values = _means(raw[name], scale)
    axes.plot(times, values, color=_COLOURS[raw["path"]], label=raw["label"])


def _means(samples: list[list[float]], scale: float) -> tuple[list[float], list[float]]:
    """Return times and means of _INTERVAL samples each, one a second."""
    parts = [samples[start : start + _INTERVAL] for start in range(0, len(samples), _INTERVAL)]
    whole = [part for part in parts if len(part) == _INTERVAL] or parts
    times = [part[-1][0] for part in whole]
    return times, [scale * sum(value for _, value in part) / len(part) for part in whole]
