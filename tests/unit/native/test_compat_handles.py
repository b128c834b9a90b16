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
