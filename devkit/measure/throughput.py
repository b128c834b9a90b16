# SPDX-License-Identifier: MIT
"""TCP throughput of each path through the target, with what it cost the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from devkit.host.errors import KitError
from devkit.host.progress import stage
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.measure import data_path, iperf
from devkit.measure.data_path import DataPath
from devkit.target import kernel_modules, queue_counters
from devkit.target.base import understood
from devkit.target.qemu import Target
from devkit.target.queue_counters import Counters

#: Samples of each path.
ROUNDS = 3


@dataclass(frozen=True)
class Sample:
    """One TCP stream along a path; processor use of the target 0 to 1, the queue's counters if it is ours."""

    throughput: iperf.Throughput
    cpu: float
    counters: Counters | None = None

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "mbit_per_s": round(self.throughput.mbit_per_s, 2),
            "retransmits": self.throughput.retransmits,
            "target_cpu": round(self.cpu, 4),
            "seconds": self.throughput.seconds,
            "congestion": self.throughput.congestion,
            "intervals_mbit_per_s": [round(part.mbit_per_s, 2) for part in self.throughput.intervals],
            "counters": asdict(self.counters) if self.counters else None,
        }


@dataclass(frozen=True)
class Measurement:
    """One path and its samples, at least one, each from another round."""

    path: DataPath
    samples: tuple[Sample, ...]

    @property
    def mbit_per_s(self) -> float:
        """Median of the samples, Mbit/s."""
        return median(sample.throughput.mbit_per_s for sample in self.samples)

    @property
    def extremes(self) -> tuple[float, float]:
        """The lowest and the highest sample, Mbit/s."""
        rates = [sample.throughput.mbit_per_s for sample in self.samples]
        return min(rates), max(rates)

    @property
    def retransmits(self) -> int:
        """Segments sent again, in all samples."""
        return sum(sample.throughput.retransmits for sample in self.samples)

    @property
    def cpu(self) -> float:
        """Median of the target's processor use, 0 to 1."""
        return median(sample.cpu for sample in self.samples)

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "path": self.path.name,
            "label": self.path.label,
            "handler": self.path.handler,
            "mbit_per_s": round(self.mbit_per_s, 2),
            "retransmits": self.retransmits,
            "target_cpu": round(self.cpu, 4),
            "samples": [sample.record() for sample in self.samples],
        }


def check_seconds(seconds: int) -> None:
    """KitError FQ-ARGUMENT where there is no time to measure; cheap, so that it can come first."""
    if seconds < 1:
        raise KitError("FQ-ARGUMENT", f"cannot measure {seconds} s", "take 1 s or more", status=2)


def measure_all(
    lab: Lab, target: Target, seconds: int, paths: Sequence[DataPath] = data_path.ALL
) -> list[Measurement]:
    """Measure all paths in the boot that runs, about ``seconds`` each, in ROUNDS rounds.

    Every round has each path once: what the host does meanwhile meets all of them, and the median
    leaves out what it did to one. KitError FQ-ARGUMENT where there is no time to measure.
    """
    check_seconds(seconds)
    share = -(-seconds // ROUNDS)
    samples: dict[DataPath, list[Sample]] = {path: [] for path in paths}
    for number in range(1, ROUNDS + 1):
        with stage(f"TCP through each path, round {number} of {ROUNDS}, {share} s each"):
            for path in paths:
                samples[path].append(sample(lab, target, path, share))
    return [Measurement(path, tuple(taken)) for path, taken in samples.items()]


def sample(lab: Lab, target: Target, path: DataPath, seconds: int) -> Sample:
    """Lay ``path`` and send one TCP stream from client to server along it."""
    address = topology.load().server.endpoint.address4
    with data_path.active(target, path), iperf.running(lab, address, seconds) as run:
        cpu = cpu_use(target, seconds)
        throughput = run.result()
        found = queue_counters.read(target).get(0) if path.module == kernel_modules.FASTQUEUE else None
    return Sample(throughput, cpu, found)


def cpu_use(target: Target, seconds: int) -> float:
    """Return which part of the next ``seconds`` the target's processor is not idle (0 to 1).

    Time counted by the timer tick misses work that is locked to it, idle time does not. In a
    profile that runs in real time, time that the host takes away counts as use.
    """
    command = f"cat /proc/uptime; sleep {seconds}; cat /proc/uptime"
    answer = target.run(command, timeout=seconds + 60, quiet=True).output
    with understood("its idle time", answer):
        before, after = answer.splitlines()
        return _not_idle(before, after)


def _not_idle(before: str, after: str) -> float:
    """Compare two readings of /proc/uptime: seconds since the boot, seconds idle."""
    (up_before, idle_before), (up_after, idle_after) = (map(float, line.split()) for line in (before, after))
    return min(1.0, max(0.0, 1.0 - (idle_after - idle_before) / (up_after - up_before)))
