# SPDX-License-Identifier: MIT
"""What a comparison of paths found: a table for people, JSON for programs."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from devkit.host import atomic_file, cpu_load
from devkit.host.run_command import run
from devkit.measure.throughput import Measurement

#: Said of every profile.
_ALWAYS = (
    "offloads off on both hosts and in the target (GRO, GSO, TSO): every packet goes through singly",
    "handlers accept everything: what differs is the way to them and back",
)

_CAVEATS = {
    "p3": (
        "not a Pentium III's figures: QEMU emulates the processor in software, in real time",
        "they depend on this host and its load: compare the paths of one run, not runs",
        "CPU is the part of the time that the target was not idle; time the host took away counts as use",
    ),
    "p3-1g": (
        "not TCP at its best: the target's time stands beside the host's, and TCP runs by both",
        "one instruction is one nanosecond in the target: instruction-accurate, not cycle-accurate",
    ),
    "kvm": (
        "not a Pentium III's figures: the target runs on this host's processor",
        "they depend on this host and its load: compare the paths of one run, not runs",
    ),
}


def caveats(profile: str, host_busy: float = 0.0) -> tuple[str, ...]:
    """Return what the figures under a profile are not; ``host_busy`` (0 to 1) by others, before."""
    noisy = (f"noisy: other work took {host_busy:.0%} of this host just before",)
    return (*_CAVEATS.get(profile, ()), *(noisy if host_busy >= cpu_load.NOISY else ()), *_ALWAYS)


def table(results: Sequence[Measurement], profile: str, nic: str) -> Table:
    """Return the table, 80 columns at most: one line a path, ratios to the first."""
    rounds = len(results[0].samples)
    shown = Table(title=f"TCP throughput, profile {profile}, NIC {nic}, median of {rounds}")
    shown.add_column("path", no_wrap=True)
    for heading in ("Mbit/s", "range", "of plain", "retransmits", "target CPU"):
        shown.add_column(heading, justify="right", no_wrap=True)
    plain = results[0].mbit_per_s
    for result in results:
        low, high = result.extremes
        shown.add_row(
            result.path.label,
            f"{result.mbit_per_s:.1f}",
            f"{low:.0f}–{high:.0f}",
            f"{result.mbit_per_s / plain:.0%}",
            str(result.retransmits),
            f"{result.cpu:.0%}",
        )
    return shown


def surroundings() -> dict[str, Any]:
    """Return what else decides about the figures: date, host and how busy it is (1 s), QEMU."""
    version = re.search(r"version (\S+)", run(["qemu-system-i386", "--version"]))
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "host": {
            "cpu": _cpu_model(),
            "cpus": os.cpu_count(),
            "kernel": platform.release(),
            "busy_before": round(cpu_load.busy(), 3),
            "qemu": version[1] if version else None,
        },
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a whole file or none, readable for people too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_file.write_text(path, json.dumps(content, indent=2) + "\n")
