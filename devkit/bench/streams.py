# SPDX-License-Identifier: MIT
"""TCP between the lab's hosts through the target, over time: the paper's figure 7, in real time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from devkit import datapath, iperf
from devkit.bench.store import Store
from devkit.build.image import Image
from devkit.datapath import DataPath
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.progress import say, stage
from devkit.target import Target

PROFILE = "p3"


@dataclass(frozen=True)
class Stream:
    """One TCP stream along ``path``, ``seconds`` long."""

    path: DataPath
    nic: str
    offloads: bool
    seconds: int

    @property
    def key(self) -> str:
        """Name of its result."""
        return f"stream/{self.nic}{'-offloads' if self.offloads else ''}/{self.path.name}"


def plan(seconds: int, quick: bool) -> list[Stream]:
    """Both network cards with offloads off, and virtio with them on unless ``quick``."""
    machines = [("virtio", False), ("e1000", False)] + ([] if quick else [("virtio", True)])
    return [Stream(path, nic, offloads, seconds) for nic, offloads in machines for path in datapath.ALL]


def measure(image: Image, streams: Sequence[Stream], store: Store) -> None:
    """Take what the store does not have, in one boot for each network card."""
    missing = [stream for stream in streams if stream.key not in store.results]
    for (nic, offloads), group in groupby(missing, key=lambda stream: (stream.nic, stream.offloads)):
        with stage(f"boot the target ({nic}, offloads {'on' if offloads else 'off'})"):
            lab = Lab.start(offloads=offloads)
            target = Target.boot(image, lab=lab, profile=PROFILE, nic=nic, offloads=offloads)
        with lab, target:
            for stream in group:
                with stage(f"{stream.seconds} s of TCP: {stream.path.label}, {nic}"):
                    result = _one(lab, target, stream)
                store.add(stream.key, result)
                say(f"  {result['mbit_per_s']:.0f} Mbit/s, target CPU {result['cpu']:.0%}")


def _one(lab: Lab, target: Target, stream: Stream) -> dict[str, Any]:
    address = topology.load().server.endpoint.address4
    with datapath.laid(target, stream.path), iperf.running(lab, address, stream.seconds) as run:
        samples = _idle_samples(target, stream.seconds)
        throughput = run.result()
    begin = samples[0][0]
    cpu = [[after[0] - begin, _busy(before, after)] for before, after in pairwise(samples)]
    return {
        "path": stream.path.name,
        "label": stream.path.label,
        "nic": stream.nic,
        "offloads": stream.offloads,
        "seconds": stream.seconds,
        "mbit_per_s": throughput.mbit_per_s,
        "retransmits": throughput.retransmits,
        "cpu": _busy(samples[0], samples[-1]),
        "cpu_samples": cpu,
        "mbit_samples": [[part.start, part.mbit_per_s] for part in throughput.intervals],
    }


def _idle_samples(target: Target, seconds: int) -> list[tuple[float, float]]:
    """Read the target's seconds since boot and seconds idle, once a second."""
    loop = f"n=0; while [ $n -le {seconds} ]; do cat /proc/uptime; sleep 1; n=$((n + 1)); done"
    lines = target.run(loop, timeout=2 * seconds + 60).output.splitlines()
    return [(float(up), float(idle)) for up, idle in (line.split() for line in lines)]


def _busy(before: tuple[float, float], after: tuple[float, float]) -> float:
    return min(1.0, max(0.0, 1.0 - (after[1] - before[1]) / (after[0] - before[0])))
