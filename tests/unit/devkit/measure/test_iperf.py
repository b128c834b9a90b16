# SPDX-License-Identifier: MIT
import json
from typing import Any

import pytest

from devkit.host.errors import KitError
from devkit.measure import iperf


def report() -> dict[str, Any]:
    """What iperf3 3.12 prints, cut down to what is read."""

    def part(start: float, rate: float, retransmits: int, omitted: bool) -> dict[str, Any]:
        return {
            "sum": {
                "start": start,
                "end": start + 1,
                "bits_per_second": rate,
                "retransmits": retransmits,
                "omitted": omitted,
            }
        }

    return {
        "intervals": [part(0, 1e6, 9, True), part(0, 90e6, 1, False), part(1, 110e6, 2, False)],
        "end": {
            "sum_sent": {"bytes": 26_000_000, "bits_per_second": 104e6, "retransmits": 3},
            "sum_received": {"bytes": 25_000_000, "bits_per_second": 100e6, "seconds": 2.0},
            "sender_tcp_congestion": "cubic",
        },
    }


def test_figures_are_the_receivers_and_retransmits_the_senders() -> None:
    found = iperf.parse(json.dumps(report()))
    assert found.mbit_per_s == pytest.approx(100.0)
    assert found.retransmits == 3
    assert found.seconds == 2.0
    assert found.congestion == "cubic"


def test_the_warm_up_is_left_out_of_the_intervals() -> None:
    found = iperf.parse(json.dumps(report()))
    assert found.intervals == (iperf.Interval(0, 90.0, 1), iperf.Interval(1, 110.0, 2))


def test_an_error_is_told_in_iperfs_words() -> None:
    text = json.dumps({"intervals": [], "end": {}, "error": "unable to connect to server"})
    with pytest.raises(KitError, match="unable to connect") as caught:
        iperf.parse(text)
    assert caught.value.code == "FQ-IPERF"


@pytest.mark.parametrize("text", ["", "iperf3: interrupted\n", "[]", "{}", '{"intervals": [], "end": {}}'])
def test_what_is_no_report_is_an_error(text: str) -> None:
    with pytest.raises(KitError) as caught:
        iperf.parse(text)
    assert caught.value.code == "FQ-IPERF"


def test_a_run_without_data_is_an_error_and_no_rate_of_zero() -> None:
    nothing = report()
    nothing["end"]["sum_received"]["bytes"] = 0
    with pytest.raises(KitError, match="no data"):
        iperf.parse(json.dumps(nothing))
