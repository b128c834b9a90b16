# SPDX-License-Identifier: MIT
from collections.abc import Callable

import pytest

from devkit.bench.methods import external_traffic
from devkit.bench.methods.external_traffic import Counted, Point
from devkit.bench.paths.catalogue import FASTQUEUE_C, NFQUEUE_C, PLAIN
from devkit.bench.results import nic_results
from devkit.bench.results.results import Results
from devkit.bench.results.store import Store

Make = Callable[..., Results]

WINDOW = {"virtual_ns": 1_000, "idle_ns": 400, "sent": 10, "octets": 750}


def test_what_the_target_does_anyway_is_no_cost_of_packets() -> None:
    result = {"rest": {"virtual_ns": 100, "idle_ns": 90}, "runs": [WINDOW]}
    assert nic_results.udp_cost(result).median == pytest.approx((600 - 100) / 10)


def test_tcp_is_counted_by_the_time_that_the_target_worked() -> None:
    assert nic_results.tcp_rate({"runs": [WINDOW]}).median == pytest.approx(750 * 8e3 / 600)


def test_results_compare_with_plain_forwarding_behind_the_same_card(results: Make) -> None:
    found = results()
    assert found.nic_tcp_ratio("virtio", FASTQUEUE_C) == pytest.approx(6 / 7, abs=0.01)
    assert found.nic_tcp_ratio("e1000", FASTQUEUE_C) is None
    assert found.bulk_ratio(FASTQUEUE_C) == pytest.approx(6 / 7)
    cost = found.nic_cost("virtio", NFQUEUE_C, "low")
    assert cost
    assert cost.median == 14_000


def test_counters_are_told_apart() -> None:
    later = Counted(1_500, 700, 30, 4_000)
    assert Counted(500, 300, 20, 3_250).until(later) == WINDOW


def test_rows_that_are_not_measured_here_are_left_out() -> None:
    points = external_traffic.plan([PLAIN, FASTQUEUE_C])
    assert [(point.nic, point.row) for point in points] == [
        ("virtio", PLAIN),
        ("virtio", FASTQUEUE_C),
        ("e1000", PLAIN),
        ("e1000", FASTQUEUE_C),
    ]
    assert external_traffic.seconds(points, 5) > external_traffic.seconds(points[:1], 5) > 0


def test_a_point_is_missing_until_it_is_whole(results: Make) -> None:
    kept = Store(None, results().content)  # type: ignore[arg-type]
    whole, partly = Point("virtio", PLAIN), Point("e1000", PLAIN)
    assert external_traffic.missing([whole, partly], kept) == [partly]
