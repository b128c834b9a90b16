# SPDX-License-Identifier: MIT
"""The report: one HTML file with everything in it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from devkit.bench.fairness import tables as fairness_tables
from devkit.bench.ids import tables as ids_tables
from devkit.bench.report import tables
from devkit.bench.report.figures import cost, ids, profile, streams, style, sweeps
from devkit.bench.results.results import Results
from devkit.host import atomic_file

#: Stands wherever figures in the target's own time are shown.
WARNING = (
    "Guest time: one instruction is one nanosecond. Instruction-accurate, not cycle-accurate: "
    "caches, memory and pipelines cost nothing here."
)
_REAL_TIME = (
    "Real time under QEMU's emulation (profile p3), not guest time: these depend on the host and its load. "
    "Compare the paths of one run."
)
_STYLE = (Path(__file__).parent / "page.css").read_text()


def page(results: Results) -> str:
    """Return the whole report."""
    parts = [
        _header(results),
        _table("What was to be reached", tables.goal_table(results), _REAL_AND_GUEST),
        _section("Cost of a packet", cost.cost, results, "./inv bench --only table"),
        _table("Instructions per packet, whole target", tables.cost_table(results), WARNING),
        _table("Own cost: instructions beyond plain forwarding's", tables.own_table(results), WARNING),
        _section("At saturation", cost.saturation, results, "./inv bench --only table"),
        _section("Latency at low load", cost.latency, results, "./inv bench --only table"),
        _section(_WHERE, profile.shares, results, "./inv bench --only profile"),
        _folded(_FUNCTIONS, tables.function_table(results), WARNING),
        _section("Ring size and number of queues", sweeps.flat, results, "./inv bench --only rings,queues"),
        _section("Timer only, as in the paper", sweeps.timers, results, "./inv bench --only timers"),
        _folded(_MODEL, tables.model_table(results), "./inv bench --only timers; ./inv tune uses the model."),
        _table(_OUTSIDE, tables.nic_table(results), f"{WARNING} ./inv bench --only table,nics."),
        _section("TCP over time (the paper's figure 7)", streams.over_time, results, _STREAMS, _REAL_TIME),
        _table("TCP through the target", tables.stream_table(results), _REAL_TIME),
        _section(_IDS, ids.bars, results, "./inv bench --only ids"),
        _table("An IDS behind the queue", ids_tables.table(results), WARNING),
        _table("What was to be reached with it", ids_tables.goal_table(results), WARNING),
        _table("Processor taken by unprivileged queues", fairness_tables.share_table(results), WARNING),
        _table("Pauses of other processes", fairness_tables.pause_table(results), WARNING),
        _table("Machine and versions", tables.machine_table(results), ""),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Fast Queue: figures</title>'
        f"<style>{_STYLE}</style></head><body><main>\n{body}\n</main></body></html>\n"
    )


_FUNCTIONS = "Own cost of Fast Queue in C, function by function"
_MODEL = "Timer only: the model beside what was measured"
_OUTSIDE = "Packets from outside, through emulated network cards"
_WHERE = "Where the CPU goes (the paper's figure 1)"
_IDS = "TCP through an IDS (the paper's figure 7)"
_STREAMS = "./inv bench --only streams --seconds 180"
_REAL_AND_GUEST = (
    f"{WARNING} TCP, source inside: ratio of costs. Own time: through emulated cards, by the time that "
    "the target worked. Real time: only where plain forwarding kept the target busy and others left the "
    "host alone; else the host was the limit."
)


def _header(results: Results) -> str:
    around = results.content["surroundings"]
    unfinished = "" if results.content["complete"] else " <strong>The run is not finished.</strong>"
    return (
        "<h1>Fast Queue: figures</h1>"
        f"<p>{_text(_moment(around['date']))}.{unfinished} How they come about and what they are not: "
        "<code>docs/benchmarks.md</code>. All raw figures: <code>bench.json</code> beside this file.</p>"
        f'<p class="warning">{_text(WARNING)}</p>'
    )


def _moment(date: str) -> str:
    """Write a date and time of ISO 8601 for people."""
    return date[:16].replace("T", " ") + " UTC" if "T" in date else date


def _section(title: str, draw: style.Draw, results: Results, command: str, warning: str = WARNING) -> str:
    figure = draw(results)
    if figure is None:
        return ""
    picture = style.svg(figure, title)
    return (
        f"<h2>{_text(title)}</h2><figure>{picture}<figcaption>{_text(warning)} "
        f"<code>{_text(command)}</code></figcaption></figure>"
    )


def _table(title: str, table: tables.Table | None, note: str) -> str:
    if table is None:
        return ""
    words = [_is_text(column) for column in zip(*table.lines, strict=True)]
    head = "".join(_cell("th", *one) for one in zip(table.head, words, strict=True))
    lines = "\n".join(_line(line, words) for line in table.lines)
    caption = f'<p class="note">{_text(note)} {_text(table.note)}</p>' if note or table.note else ""
    return (
        f'<h3>{_text(title)}</h3><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>{caption}"
    )


def _folded(title: str, table: tables.Table | None, note: str) -> str:
    text = _table(title, table, note)
    return f"<details><summary>{_text(title)}</summary>{text}</details>" if text else ""


def _line(cells: Sequence[str], words: Sequence[bool]) -> str:
    first, *rest = cells
    others = "".join(_cell("td", *one) for one in zip(rest, words[1:], strict=True))
    return f"<tr><th>{_text(first)}</th>{others}</tr>"


def _cell(tag: str, cell: str, words: bool) -> str:
    return f'<{tag} class="text">{_text(cell)}</{tag}>' if words else f"<{tag}>{_text(cell)}</{tag}>"


def _is_text(column: Sequence[str]) -> bool:
    return any(cell[:1].isalpha() for cell in column)


def _text(words: str) -> str:
    return html.escape(words, quote=False)


def write(results: Results, path: Path) -> None:
    """Write the report as a whole."""
    atomic_file.write_text(path, page(results))
