# SPDX-License-Identifier: MIT
"""Pictures of the sweeps: ring size, queues, and the paper's timer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from devkit.bench.progress import per_packet
from devkit.bench.report.figures import style
from devkit.bench.results.results import Results
from devkit.bench.timer_model import Model, mean_latency
from devkit.bench.workload.loads import SWEEP

_SHADES = ("#8ecae6", "#2a6f97", "#012a4a")


def flat(results: Results) -> Figure | None:
    """Cost of a packet against the number of frames and of queues."""
    rings = _points(results, "ring/")
    queues = _points(results, "queues/")
    if len(rings) < 2 and len(queues) < 2:
        return None
    figure = style.blank(2.7)
    left, right = figure.subplots(1, 2, sharey=True)
    _line(left, rings, "frames in the ring")
    _line(right, [point for point in queues if point[0]], "queues, each with a handler")
    left.set_ylabel("instructions per packet")
    return figure


def _points(results: Results, prefix: str) -> list[tuple[int, float]]:
    found = [(int(key.removeprefix(prefix)), results.raw(key)) for key in results.keys(prefix)]
    return sorted((number, per_packet(raw["runs"]).median) for number, raw in found if raw)


def _line(axes: Axes, points: Sequence[tuple[int, float]], label: str) -> None:
    numbers = [number for number, _ in points]
    axes.plot(numbers, [cost for _, cost in points], "o-", color=style.FASTQUEUE)
    axes.set_xscale("log", base=2)
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.set_ylim(0, 1.25 * max((cost for _, cost in points), default=1))
    axes.set_xlabel(label)
    style.thousands(axes.yaxis)
    style.plain_axes(axes)


def timers(results: Results) -> Figure | None:
    """Timer-only mode: cost, latency and highest rate against the timer's frequency, with the model."""
    found = [raw for raw in map(results.raw, results.keys("timer/")) if raw]
    if not found:
        return None
    figure = style.blank(3.4)
    model = Model.fitted(results)

    def latency(period: float, frames: int) -> float:
        return model.latency_us(period, SWEEP.rate, SWEEP.burst)

    panels = (
        ("instructions per packet", lambda raw: per_packet([raw["cost"]]).median, None),
        ("mean latency, µs", mean_latency, latency),
        ("highest rate, packets/s", lambda raw: raw["saturation"]["packets_per_s"], model.highest_rate),
    )
    for axes, (label, value, predicted) in zip(figure.subplots(1, 3), panels, strict=True):
        _timer_panel(axes, found, value, predicted)
        axes.set_title(label, fontsize=10)
        axes.set_xlabel("timer, Hz")
        axes.set_xscale("log")
        style.thousands(axes.xaxis)
        style.plain_axes(axes)
    axes.legend(fontsize=8, frameon=False)
    return figure


def _timer_panel(
    axes: Axes,
    found: list[dict[str, dict[str, list[int]]]],
    value: Callable[..., float],
    predicted: Callable[[float, int], float] | None,
) -> None:
    model_named = False
    for shade, frames in zip(_SHADES, sorted({int(str(raw["frames"])) for raw in found}), strict=False):
        mine = [raw for raw in found if int(str(raw["frames"])) == frames]
        periods = [float(str(raw["period_us"])) for raw in mine]
        hertz = [1e6 / period for period in periods]
        axes.plot(hertz, [value(raw) for raw in mine], "o-", color=shade, label=f"{frames} frames")
        if predicted:
            told = [predicted(period, frames) for period in periods]
            axes.plot(hertz, told, "--", color=style.MODEL, label=None if model_named else "model")
            model_named = True
    if predicted:
        style.logarithmic(axes)
    else:
        style.thousands(axes.yaxis)
        axes.set_ylim(0, 1.15 * max(axes.get_ylim()))
