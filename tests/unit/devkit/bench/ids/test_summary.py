# SPDX-License-Identifier: MIT
from typing import Any

import pytest

from devkit.bench.ids import catalogue, costs, summary, tables, tcp_streams
from devkit.bench.report import html
from devkit.bench.results.results import Results


def cost(kernel: float, library: float, program: float) -> dict[str, Any]:
    parts = {costs.KERNEL: kernel, costs.LIBRARY: library, costs.PROGRAM: program}
    return {"per_packet": sum(parts.values()), "parts": parts}


def stream(rate: float) -> dict[str, Any]:
    """One with ``rate`` Mbit in a second that was worked."""
    return {
        "runs": [{"octets": round(rate * 125_000), "virtual_ns": 2_000_000_000, "idle_ns": 1_000_000_000}]
    }


@pytest.fixture
def measured(nothing: Results) -> Results:
    raw = {
        costs.key(catalogue.PLAIN): cost(6_000, 0, 100),
        costs.key(catalogue.NFQUEUE): cost(14_000, 1_000, 40_000),
        costs.key(catalogue.FASTQUEUE): cost(8_000, 700, 40_000),
        costs.key(catalogue.LIGHT_FASTQUEUE_PYTHON): {"per_packet": 98_000.0},
        tcp_streams.key(catalogue.NFQUEUE.name, False): stream(70),
        tcp_streams.key(catalogue.FASTQUEUE.name, False): stream(112),
        tcp_streams.key(catalogue.NFQUEUE.name, True): stream(80),
        tcp_streams.key(catalogue.FASTQUEUE_GSO.name, True): stream(120),
    }
    return Results({**nothing.content, "results": raw})


def test_the_queues_own_is_the_kernels_beyond_forwarding_and_its_library(measured: Results) -> None:
    assert summary.own(measured, catalogue.NFQUEUE) == 9_000
    assert summary.own(measured, catalogue.FASTQUEUE) == 2_700
    assert summary.own_ratio(measured, catalogue.FASTQUEUE, catalogue.NFQUEUE) == pytest.approx(0.3)


def test_what_cannot_be_told_apart_has_no_own_cost(measured: Results) -> None:
    assert summary.cost(measured, catalogue.LIGHT_FASTQUEUE_PYTHON) == 98_000
    assert summary.own(measured, catalogue.LIGHT_FASTQUEUE_PYTHON) is None


def test_tcp_is_compared_with_the_same_ids_over_nfqueue(measured: Results) -> None:
    assert summary.tcp_ratio(measured, catalogue.FASTQUEUE, catalogue.NFQUEUE, False) == pytest.approx(1.6)
    table = tables.table(measured)
    assert table
    lines = {line[:2]: line[2:] for line in table.lines}
    assert lines["Suricata", "Fast Queue"] == ("48,700", "2,700", "112 ±0", "1.60", "–", "–")
    assert lines["Suricata", "Fast Queue, GSO packets whole"][-2:] == ("120 ±0", "1.50")


def test_goals_say_what_is_reached(measured: Results) -> None:
    assert [goal.met for goal in tables.goals(measured)] == [True, None, True, False, None, None, None, None]


def test_the_report_has_the_papers_bars_beside_the_runs(measured: Results) -> None:
    text = html.page(measured)
    assert "snort-inline" in text
    assert "An IDS behind the queue" in text


def test_a_run_without_the_part_says_nothing_of_it(nothing: Results) -> None:
    assert tables.table(nothing) is None
    assert tables.goal_table(nothing) is None
    assert "snort-inline" not in html.page(nothing)
