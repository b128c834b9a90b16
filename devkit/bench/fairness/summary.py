# SPDX-License-Identifier: MIT
"""Shares and pauses from the raw results, beside their bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: What all queues of an unprivileged user may take from others, in percent of a processor.
MOST_SHARE = 5.0
#: How long a process that is ready may have to wait, in milliseconds.
MOST_PAUSE = 1.0


@dataclass(frozen=True)
class Share:
    """Parts of the processor in percent.

    taken:   by the kernel from other processes, on behalf of the queues
    process: the user's own process, which the scheduler lets take turns with others
    """

    taken: float
    process: float


def share(raw: dict[str, Any]) -> Share:
    """Return what full queues take beyond empty ones, whose user does the same.

    Progress that the counting process loses, less the time of the user's process. KeyError or
    ZeroDivisionError if ``raw`` is not such a result.
    """
    full, empty = _lost(raw["full"], raw["alone"]), _lost(raw["empty"], raw["alone"])
    return Share(full.taken - empty.taken, full.process)


def _lost(window: dict[str, int], alone: dict[str, int]) -> Share:
    expected = alone["counted"] * window["elapsed_ns"] / alone["elapsed_ns"]
    process = 100 * window["process_ns"] / window["elapsed_ns"]
    return Share(100 * (1 - window["counted"] / expected) - process, process)


def pause_ms(raw: dict[str, Any]) -> float:
    """Return the longest delay in milliseconds."""
    return float(raw["longest_ns"]) / 1e6
