# SPDX-License-Identifier: MIT
"""The compatibility library's handles and descriptors: closed, used again, interrupted and inherited."""

from __future__ import annotations

from pathlib import Path

from .compat_programs import run_scenario as run


def test_a_handle_that_was_closed_does_not_reach_the_next_ones_packets(calls: Path) -> None:
    refused = "-1, 1"
    assert run(calls, "old_handle") == [
        "next handle: 0",
        *(f"{what}: {refused}" for what in ("verdict", "batch", "mode", "create", "destroy")),
        "settled: ",
        "queues: 1, 0",
        "settled: 1:1:0:-1 ",
    ]


def test_a_thread_that_is_cancelled_holds_no_lock(calls: Path) -> None:
    kinds = ("recv", "verdict", "create", "destroy", "bind", "recv of another's")
    assert run(calls, "cancelled") == [f"{kind}: 1" for kind in kinds]


def test_a_queue_is_made_anew_while_a_thread_sleeps_on_the_old_one(calls: Path) -> None:
    assert run(calls, "made_anew") == ["nobody sleeps: 0, 1", "made: 1", "received: 1"]


def test_a_signal_handler_closes_at_each_instruction_of_a_call(calls: Path) -> None:
    assert run(calls, "closed_at_each_step") == ["steps: 1, left open: 0"]


def test_a_signal_handler_receives_at_instructions_of_a_call(calls: Path) -> None:
    assert run(calls, "received_at_each_step") == ["steps: 1, twice: 0, lost: 0"]


def test_a_child_does_not_count_threads_that_slept_in_its_parent(calls: Path) -> None:
    assert run(calls, "child_of_sleeper") == [*["nothing came: -1, 1"] * 2, "slept: 1"]


def test_a_callback_that_forks_reads_its_packet_in_the_child(calls: Path) -> None:
    assert run(calls, "fork_in_callback") == ["read in the child: 1", "settled: 0:1:0:-1 "]
