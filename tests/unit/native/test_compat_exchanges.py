# SPDX-License-Identifier: MIT
"""The compatibility library's exchanges of the ring: no verdict reaches another packet, or gets lost."""

from __future__ import annotations

from pathlib import Path

from .compat_programs import run_scenario as run


def test_answers_that_the_sender_has_not_seen_keep_their_packets(calls: Path) -> None:
    """Nothing is exchanged before they have left; a word without a packet is no such answer."""
    assert run(calls, "answers_not_seen") == [
        "not seen: 1",
        "settled: 1:1:0:-1 2:0:0:-1 ",
        "late: 0",
        "settled: 3:1:0:-1 4:0:0:-1 ",
    ]


def test_a_verdict_whose_packet_leaves_during_its_exchange_reaches_no_other(calls: Path) -> None:
    """Packet 3 was never delivered; it is the one that may be another than it seems, and is dropped."""
    assert run(calls, "lost_in_exchange") == ["settled: 0:1:0:-1 1:1:0:-1 ", "settled: 3:0:0:-1 "]


def test_a_changed_packet_whose_verdict_waits_leaves_changed(calls: Path) -> None:
    assert run(calls, "payload_that_waits") == ["received: 1", "settled: 0:1:128:170 "]


def test_a_verdict_that_waits_is_not_overtaken(calls: Path) -> None:
    assert run(calls, "verdict_that_waits") == [
        "settled: ",
        "settled: 1:1:0:-1 2:1:0:-1 ",
        "settled: 0:0:0:-1 ",
    ]


def test_a_burst_during_an_exchange_does_not_cut_packets_for_good(calls: Path) -> None:
    assert run(calls, "burst_in_exchange") == ["bytes: 65000", "bytes: 3000"]


def test_a_ring_that_cannot_be_mapped_is_empty(calls: Path) -> None:
    assert run(calls, "ring_lost") == [
        "packet: -2",
        "packet: -2",
        "verdict: 1, batch: 1",
        "exchange: 1",
        "gone: 1",
    ]


def test_packets_that_wait_stay_readable_through_many_rings(calls: Path) -> None:
    """And only their pages stay, not the rings in which they were."""
    assert run(calls, "pointers_into_rings") == ["readable: 1", "grows: 0"]
