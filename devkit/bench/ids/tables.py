# SPDX-License-Identifier: MIT
"""The table of the IDSes, and what was to be reached with them."""

from __future__ import annotations

from devkit.bench.ids import catalogue, summary
from devkit.bench.ids.catalogue import Way
from devkit.bench.report.tables import Table
from devkit.bench.results.results import Results
from devkit.bench.results.targets import Goal

_NOTE = (
    "Packets: UDP, 1400 bytes, source inside. The queue's own: instructions of the kernel beyond plain "
    "forwarding's, and of the library that hands packets over; the rest is the IDS's. TCP: from outside, "
    "Mbit per second that the target's processor worked, ± half the distance of the extremes; × is the "
    "multiple of the same IDS over NFQUEUE."
)


def table(results: Results) -> Table | None:
    """One line for each way: cost, the queue's own, TCP with offloads off and on."""
    lines = []
    for way in catalogue.ALL:
        cells = (_number(summary.cost(results, way)), _number(summary.own(results, way)))
        rates = [cell for offloads in (False, True) for cell in _tcp(results, way, offloads)]
        lines.append((way.family, way.label, *cells, *rates))
    heads = ("IDS", "path", "instructions a packet", "the queue's own")
    tcp = ("TCP, offloads off", "×", "TCP, offloads on", "×")
    return Table((*heads, *tcp), lines, _NOTE, keys=2) if results.keys("ids/") else None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _tcp(results: Results, way: Way, offloads: bool) -> tuple[str, str]:
    rate = summary.tcp(results, way, offloads)
    first = next(one for one in catalogue.ALL if one.family == way.family)
    ratio = summary.tcp_ratio(results, way, first, offloads)
    shown = f"{rate.median:,.0f} ±{(rate.high - rate.low) / 2:,.0f}" if rate else "–"
    return shown, f"{ratio:.2f}" if ratio and way.family else "–"


def goal_table(results: Results) -> Table | None:
    """What was to be reached, and what was."""
    marks = {True: "reached", False: "not reached", None: "not measured"}
    lines = [
        (
            goal.what,
            f"{'≤' if goal.at_most else '≥'} {goal.bound:.2f}",
            "–" if goal.value is None else f"{goal.value:.2f}",
            marks[goal.met],
        )
        for goal in goals(results)
    ]
    return Table(("goal", "bound", "measured", ""), lines) if results.keys("ids/") else None


def goals(results: Results) -> list[Goal]:
    """All as parts or multiples of the same IDS over NFQUEUE."""
    reached = []
    for family, nfqueue, fastqueue in (
        (catalogue.SURICATA, catalogue.NFQUEUE, catalogue.FASTQUEUE),
        (catalogue.LIGHT_C, catalogue.LIGHT_NFQUEUE_C, catalogue.LIGHT_FASTQUEUE_C),
    ):
        share = summary.own_ratio(results, fastqueue, nfqueue)
        reached.append(Goal(f"{family}: the queue's own, of NFQUEUE's", 1 / 3, share, ""))
    for what, bound, one, other, offloads in (
        ("Suricata: TCP, offloads off", 1.2, catalogue.FASTQUEUE, catalogue.NFQUEUE, False),
        (
            "Suricata: TCP, offloads on, GSO packets whole",
            2.0,
            catalogue.FASTQUEUE_GSO,
            catalogue.NFQUEUE,
            True,
        ),
        (
            "Suricata: TCP, cleared flows bypass; NFQUEUE's do not",
            1.6,
            catalogue.FASTQUEUE_BYPASS,
            catalogue.NFQUEUE,
            False,
        ),
        (
            "Suricata: TCP, cleared flows bypass both",
            1.6,
            catalogue.FASTQUEUE_BYPASS,
            catalogue.NFQUEUE_BYPASS,
            False,
        ),
        ("50 patterns, C: TCP", 1.2, catalogue.LIGHT_FASTQUEUE_C, catalogue.LIGHT_NFQUEUE_C, False),
        (
            "50 patterns, Python: TCP",
            1.2,
            catalogue.LIGHT_FASTQUEUE_PYTHON,
            catalogue.LIGHT_NFQUEUE_PYTHON,
            False,
        ),
    ):
        reached.append(Goal(what, bound, summary.tcp_ratio(results, one, other, offloads), "", at_most=False))
    return reached
