# SPDX-License-Identifier: MIT
"""The report's tables, as text cells; also what the terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devkit.bench.methods.main_table import COPY_64
from devkit.bench.paths.catalogue import FASTQUEUE_C, NFQUEUE_C, PLAIN, Row
from devkit.bench.results.nic_results import NICS, ROWS, UDP
from devkit.bench.results.results import Results, difference
from devkit.bench.results.sample_stats import Spread, change
from devkit.bench.results.targets import SATURATED, goals
from devkit.bench.timer_model import Model, mean_latency
from devkit.bench.workload.loads import COST, SWEEP, UDP_1400
from devkit.host.cpu_load import NOISY

_COLUMNS = {**{load.name: load.label for load in COST}, COPY_64: "1400, 64 copied"}
#: Functions of the own cost that are told one by one (instructions per packet).
_LEAST = 5.0


@dataclass(frozen=True)
class Table:
    """Heads and lines of cells; the first ``keys`` cells of a line are its name."""

    head: tuple[str, ...]
    lines: Sequence[tuple[str, ...]]
    note: str = ""
    keys: int = 1


def goal_table(results: Results) -> Table | None:
    """What was to be reached, and what was."""
    marks = {True: "reached", False: "not reached", None: "not measured"}
    lines = [
        (
            goal.what,
            f"{'≤' if goal.at_most else '≥'} {goal.bound:,.4g} {goal.unit}".rstrip(),
            "–" if goal.value is None else _short(goal.value, goal.unit).removesuffix(f" {goal.unit}"),
            marks[goal.met],
        )
        for goal in goals(results)
    ]
    return Table(("goal", "bound", "measured", ""), lines)


def _short(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 1000 else 1 if unit else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def cost_table(results: Results) -> Table | None:
    """Median of all runs with half the distance of the extremes; rate and latency beside it."""

    def cell(row: Row, column: str) -> str:
        spread = results.cost(row, column)
        return _spread(spread) if spread else "–"

    heads = (*_COLUMNS.values(), "highest rate", "latency")
    lines = [
        (row.label, *(cell(row, column) for column in _COLUMNS), _rate(results, row), _latency(results, row))
        for row in results.rows()
    ]
    note = "± half the distance of the extremes. Highest rate: packets/s of 1400 bytes without a loss. "
    note += "Latency: µs from sending to leaving at 3,000 packets/s, median / 99th percentile."
    return Table(("path", *heads), lines, note) if lines else None


def _spread(spread: Spread) -> str:
    return f"{spread.median:,.0f} ±{(spread.high - spread.low) / 2:,.0f}"


def _rate(results: Results, row: Row) -> str:
    rate = results.capacity(row)
    return f"{rate:,.0f}" if rate else "–"


def _latency(results: Results, row: Row) -> str:
    found = results.latency(row)
    return f"{found.median:.1f} / {found.p99:.1f}" if found else "–"


def own_table(results: Results) -> Table | None:
    """Cost less plain forwarding's, and how much less CPU than NFQUEUE in C."""
    baseline = results.cost(NFQUEUE_C, UDP_1400.name)

    def own(row: Row, column: str) -> str:
        value = results.own(row, column)
        return "–" if value is None else f"{value:,.0f}"

    def saving(row: Row) -> str:
        whole = results.cost(row, UDP_1400.name)
        return f"{100 * (1 - whole.median / baseline.median):.0f} %" if whole and baseline else "–"

    lines = [
        (row.label, *(own(row, column) for column in _COLUMNS), saving(row))
        for row in results.rows()
        if row != PLAIN
    ]
    return Table(("path", *_COLUMNS.values(), "CPU saved"), lines, _SAVED) if lines else None


_SAVED = "CPU saved: of the whole target, against NFQUEUE in C, at 1400 bytes."


def function_table(results: Results) -> Table | None:
    """Own cost by function: under load, where packets come in bursts, and each by itself."""
    parts = [_own_functions(results, load) for load in (UDP_1400.name, "low")]
    if not parts[0]:
        return None
    names = list(dict.fromkeys(name for part in parts for name, value in part.items() if value >= _LEAST))
    lines = [(name, *(f"{part.get(name, 0.0):,.1f}" for part in parts)) for name in names]
    told = [sum(value for value in part.values() if value < _LEAST) for part in parts]
    lines.append((f"all below {_LEAST:.0f}", *(f"{value:,.1f}" for value in told)))
    lines.append(("sum", *(f"{sum(part.values()):,.1f}" for part in parts)))
    note = "What the compiler put into another function counts there; a copy counts once a word."
    return Table(("function", "60 a burst", "3,000 packets/s"), lines, note)


def _own_functions(results: Results, load: str) -> dict[str, float]:
    ours, plain = results.profile(FASTQUEUE_C, load), results.profile(PLAIN, load)
    return difference(ours, plain) if ours and plain else {}


def nic_table(results: Results) -> Table | None:
    """Packets from outside through emulated cards, beside those of the source inside the target."""
    lines = []
    for place in ("inside", *NICS):
        for row in ROWS:
            costs = [_nic_cell(results, place, row, load.name) for load in UDP]
            rate = results.nic_tcp(place, row)
            ratio = results.bulk_ratio(row) if place == "inside" else results.nic_tcp_ratio(place, row)
            tcp = (_spread(rate) if rate else "–", f"{ratio:.2f}" if ratio else "–")
            lines.append((row.label, "source inside" if place == "inside" else place, *costs, *tcp))
    heads = ("path", "packets from", "1400 bytes, bursts", "one by one", "TCP, Mbit/s", "of plain")
    return Table(heads, lines, _NIC_NOTE, keys=2) if results.keys("nic/") else None


def _nic_cell(results: Results, place: str, row: Row, load: str) -> str:
    cost = results.cost(row, load) if place == "inside" else results.nic_cost(place, row, load)
    return _spread(cost) if cost else "–"


_NIC_NOTE = (
    "± half the distance of the extremes. Bursts from outside are as the host's scheduler leaves them: these "
    "figures do depend on it. TCP: per second that the target's processor worked; offloads off. Of the "
    "source inside it is the ratio of its costs of TCP bulk."
)


def model_table(results: Results) -> Table | None:
    """Mean latency of the timer-only mode: measured and the model's."""
    model = Model.fitted(results)
    lines = []
    for key in results.keys("timer/"):
        raw = results.raw(key)
        if raw:
            measured, told = mean_latency(raw), model.latency_us(raw["period_us"], SWEEP.rate, SWEEP.burst)
            error = f"{100 * change(measured, told):+.0f} %"
            cells = (f"{raw['frames']:,}", f"{measured:,.0f}", f"{told:,.0f}", error)
            lines.append((f"{raw['period_us']:,} µs", *cells))
    heads = ("timer period", "frames", "mean latency, µs", "model", "model's error")
    return Table(heads, lines) if lines else None


def stream_table(results: Results) -> Table | None:
    """Throughput and CPU of each TCP stream."""
    lines = []
    for key in results.keys("stream/"):
        _, machine, path = key.split("/")
        raw, ratio = results.stream(machine, path), results.tcp_ratio(machine, path)
        if raw:
            part = f"{ratio:.2f}" if ratio else "–"
            cells = (raw["label"], f"{raw['mbit_per_s']:,.0f}", part, f"{100 * raw['cpu']:.0f} %")
            others = f"{100 * raw['others']:.0f} %" if "others" in raw else "–"
            lines.append((machine.replace("-", ", "), *cells, others, str(raw["retransmits"])))
    heads = ("network card", "path", "Mbit/s", "of plain", "target CPU", "host used by others", "retransmits")
    return Table(heads, lines, _HOST_LIMIT, keys=2) if lines else None


_HOST_LIMIT = (
    f"Where plain forwarding keeps the target less than {SATURATED:.0%} busy, or others use {NOISY:.0%} of "
    "the host and more, the host was the limit: measure again on an idle host."
)


def machine_table(results: Results) -> Table:
    """Host, QEMU, image and command."""
    around, identity = results.content["surroundings"], results.content["identity"]
    host, image = around["host"], around["image"]
    git = image.get("git") or {}
    state = " with changes" if git.get("dirty") else ""
    return Table(
        ("", ""),
        [
            ("host", f"{host['cpu']}, {host['cpus']} processors, Linux {host['kernel']}"),
            ("QEMU", str(host["qemu"])),
            ("target", "i686, profile p3-1g-alone (TCP: p3), Linux " + image["kernel"]["release"]),
            ("commit", f"{git.get('commit', 'unknown')}{state}"),
            ("command", "./inv bench" + (" --quick" if identity["quick"] else "")),
        ],
    )
