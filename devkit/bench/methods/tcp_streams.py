# SPDX-License-Identifier: MIT
"""TCP between the lab's hosts through the target, over time: the paper's figure 7, in real time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from devkit.bench.methods.host_contention import HostUse
from devkit.bench.paths import catalogue
from devkit.bench.paths.catalogue import Row
from devkit.bench.progress import duration
from devkit.bench.results.store import Store
from devkit.host.progress import say, stage
from devkit.image.image import Image
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.measure import data_path, iperf
from devkit.measure.data_path import DataPath
from devkit.target.base import understood
from devkit.target.qemu import Target

PROFILE = "p3"

#: The row that each path is like.
_ROWS = {
    data_path.PLAIN: catalogue.PLAIN,
    data_path.NFQUEUE_C: catalogue.NFQUEUE_C,
    data_path.FASTQUEUE_PYTHON: catalogue.EXTENSION_BATCH,
    data_path.FASTQUEUE_C: catalogue.FASTQUEUE_C,
}
_AROUND = 8.0  # seconds beside a stream
_INTERVAL = 1.0  # between samples, in seconds


@dataclass(frozen=True)
class TcpStream:
    """One TCP stream along ``path``, ``seconds`` long."""

    path: DataPath
    nic: str
    offloads: bool
    seconds: int

    @property
    def key(self) -> str:
        """Name of its result."""
        return f"stream/{self.nic}{'-offloads' if self.offloads else ''}/{self.path.name}"


def plan(length: int, quick: bool, chosen: Sequence[Row] = catalogue.ALL) -> list[TcpStream]:
    """Both cards with offloads off, virtio with them on too unless ``quick``; ``length`` in s."""
    machines = [("virtio", False), ("e1000", False)] + ([] if quick else [("virtio", True)])
    paths = [path for path in data_path.ALL if _ROWS[path] in chosen]
    return [TcpStream(path, nic, offloads, length) for nic, offloads in machines for path in paths]


def seconds(streams: Sequence[TcpStream]) -> float:
    """How long they take, with laying their paths and a share of the boot."""
    return sum(stream.seconds + _AROUND for stream in streams)


def measure(image: Image, streams: Sequence[TcpStream], store: Store, later: float = 0.0) -> None:
    """Take what the store does not have, in one boot for each card; ``later`` seconds are known to follow."""
    missing = [stream for stream in streams if stream.key not in store.results]
    left = later + seconds(missing)
    for (nic, offloads), group in groupby(missing, key=lambda stream: (stream.nic, stream.offloads)):
        with stage(f"boot the target ({nic}, offloads {'on' if offloads else 'off'})"):
            lab = Lab.start(offloads=offloads)
            target = Target.boot(image, lab=lab, profile=PROFILE, nic=nic, offloads=offloads)
        with lab, target:
            for stream in group:
                with stage(f"{stream.seconds} s of TCP: {stream.path.label}, {nic}"):
                    result = _one(lab, target, stream)
                store.add(stream.key, result)
                rate, cpu, others = (result[name] for name in ("mbit_per_s", "cpu", "others"))
                left -= seconds([stream])
                found = f"{rate:.0f} Mbit/s, target CPU {cpu:.0%}, host used by others {others:.0%}"
                say(f"  {found}  ({duration(left)} left)")


def _one(lab: Lab, target: Target, stream: TcpStream) -> dict[str, Any]:
    address = topology.load().server.endpoint.address4
    with data_path.active(target, stream.path), iperf.running(lab, address, stream.seconds) as run:
        before = HostUse.read(lab.pid)
        samples = _idle_samples(target, run)
        others = before.others_until(HostUse.read(lab.pid), samples[-1].at)
        throughput = run.result()
    return {
        "path": stream.path.name,
        "label": stream.path.label,
        "nic": stream.nic,
        "offloads": stream.offloads,
        "seconds": stream.seconds,
        "mbit_per_s": throughput.mbit_per_s,
        "retransmits": throughput.retransmits,
        "cpu": samples[0].busy_until(samples[-1]),
        "others": others,
        "cpu_samples": [[after.at, before.busy_until(after)] for before, after in pairwise(samples)],
        "mbit_samples": [[part.start, part.mbit_per_s] for part in throughput.intervals],
    }


@dataclass(frozen=True)
class _Sample:
    """``at`` seconds of the host's clock; ``up`` and ``idle`` seconds as the target counts them."""

    at: float
    up: float
    idle: float

    def busy_until(self, later: _Sample) -> float:
        """Part of the time between that the target was not idle (0 to 1)."""
        if later.up <= self.up:
            return 0.0
        return min(1.0, max(0.0, 1.0 - (later.idle - self.idle) / (later.up - self.up)))


def _idle_samples(target: Target, run: iperf.IperfRun) -> list[_Sample]:
    """Sample once a second as long as the stream runs.

    Times are the host's: the clock of a target that the host starves falls behind, and would go on
    long after the stream's end.
    """
    begin = time.monotonic()
    found = [_sample(target, begin)]
    while run.client.poll() is None:
        time.sleep(_INTERVAL)
        sample = _sample(target, begin)
        if run.client.poll() is None or len(found) == 1:
            found.append(sample)
    return found


def _sample(target: Target, begin: float) -> _Sample:
    answer = target.run(["cat", "/proc/uptime"]).output
    with understood("its idle time", answer):
        up, idle = map(float, answer.split())
    return _Sample(time.monotonic() - begin, up, idle)
