# SPDX-License-Identifier: MIT
"""TCP throughput of each path through the target, with what it cost the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from devkit import counters, datapath, iperf
from devkit.counters import Counters
from devkit.datapath import DataPath
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.progress import stage
from devkit.target import Target


@dataclass(frozen=True)
class Measurement:
    """One path: its throughput, the target's processor use (0 to 1), the queue's counters if it is ours."""

    path: DataPath
    throughput: iperf.Throughput
    cpu: float
    counters: Counters | None = None

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "path": self.path.name,
            "label": self.path.label,
            "handler": self.path.handler,
            "mbit_per_s": round(self.throughput.mbit_per_s, 2),
            "retransmits": self.throughput.retransmits,
            "target_cpu": round(self.cpu, 4),
            "seconds": self.throughput.seconds,
            "congestion": self.throughput.congestion,
            "intervals_mbit_per_s": [round(part.mbit_per_s, 2) for part in self.throughput.intervals],
            "counters": asdict(self.counters) if self.counters else None,
        }


def measure_all(
    lab: Lab, target: Target, seconds: int, paths: Sequence[DataPath] = datapath.ALL
) -> list[Measurement]:
    """Measure one path after the other in the boot that runs, ``seconds`` each."""
    results = []
    for path in paths:
        with stage(f"TCP through {path.label}"):
            results.append(measure(lab, target, path, seconds))
    return results


def measure(lab: Lab, target: Target, path: DataPath, seconds: int) -> Measurement:
    """Lay ``path`` and send one TCP stream from client to server along it."""
    address = topology.load().server.endpoint.address4
    with datapath.laid(target, path), iperf.running(lab, address, seconds) as run:
        cpu = cpu_use(target, seconds)
        throughput = run.result()
        found = counters.read(target).get(0) if path.module == datapath.FASTQUEUE_C.module else None
    return Measurement(path, throughput, cpu, found)


def cpu_use(target: Target, seconds: int) -> float:
    """Return which part of the next ``seconds`` the target's processor is not idle (0 to 1).

    Time counted by the timer tick misses work that is locked to it, idle time does not. In a
    profile that runs in real time, time that the host takes away counts as use.
    """
    command = f"cat /proc/uptime; sleep {seconds}; cat /proc/uptime"
    before, after = target.run(command, timeout=seconds + 60).output.splitlines()
    return _not_idle(before, after)


def _not_idle(before: str, after: str) -> float:
    """Compare two readings of /proc/uptime: seconds since the boot, seconds idle."""
    (up_before, idle_before), (up_after, idle_after) = (map(float, line.split()) for line in (before, after))
    return min(1.0, max(0.0, 1.0 - (idle_after - idle_before) / (up_after - up_before)))
