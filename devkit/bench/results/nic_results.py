# SPDX-License-Identifier: MIT
"""Traffic through emulated network cards: what is kept of it, and the figures made of that."""

from __future__ import annotations

from typing import Any

from devkit.bench.paths.catalogue import EXTENSION_BATCH, FASTQUEUE_C, NFQUEUE_C, PLAIN
from devkit.bench.results.sample_stats import Spread
from devkit.bench.workload import loads

NICS = ("virtio", "e1000")
ROWS = (PLAIN, NFQUEUE_C, FASTQUEUE_C, EXTENSION_BATCH)
UDP = (loads.UDP_1400, loads.LOW)
TCP = "tcp"
KINDS = (*(load.name for load in UDP), TCP)


def key(nic: str, row: str, kind: str) -> str:
    """Name of a result; ``kind`` is one of KINDS."""
    return f"nic/{nic}/{row}/{kind}"


def busy_ns(run: dict[str, int]) -> int:
    """Instructions that the target spent in a window."""
    return run["virtual_ns"] - run["idle_ns"]


def udp_cost(result: dict[str, Any]) -> Spread:
    """Instructions per packet of a paced flow, less what the target does in that time without it."""
    rest = busy_ns(result["rest"]) / result["rest"]["virtual_ns"]
    return Spread.of([(busy_ns(run) - rest * run["virtual_ns"]) / run["sent"] for run in result["runs"]])


def tcp_rate(result: dict[str, Any]) -> Spread:
    """Mbit per second that the target's processor worked: its throughput where it is what limits TCP.

    Time in which it waits for hosts that are slower than it in its time is not its own.
    """
    return Spread.of([run["octets"] * 8e3 / busy_ns(run) for run in result["runs"]])
