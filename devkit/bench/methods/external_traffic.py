# SPDX-License-Identifier: MIT
"""Traffic from the lab's hosts through emulated network cards, counted in the target's own time.

It arrives by the host's clock, so its bursts differ from run to run: it shows that the source inside the
target stands for a real card's packets, and how TCP does where the target is what limits it.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from devkit.bench.paths.catalogue import PathSetting, Row
from devkit.bench.paths.laying import active
from devkit.bench.progress import duration
from devkit.bench.results import nic_results as figures
from devkit.bench.results.store import Store
from devkit.bench.workload.loads import Load
from devkit.host.errors import KitError
from devkit.host.progress import say, stage
from devkit.image.image import Image
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.measure import iperf
from devkit.target.base import understood
from devkit.target.qemu import Target

PROFILE = "p3-1g"
#: Packets per second of the host's time: the emulator carries no more of NFQUEUE on a busy host.
RATE = 1000

_HEADERS = 28  # of IPv4 and UDP
_WINDOW = 1.2  # seconds of the host's time
_TCP_START = 3.0
_DRAIN = 0.2
#: Packets of a window in which TCP does flow: a starved host lets it stand for seconds.
_FLOWS = 500
_READ = (
    "grep -m 1 'now at' /proc/timer_list; grep -m 1 idle_sleeptime /proc/timer_list; "
    "cd /sys/class/net/eth1/statistics; cat tx_packets tx_bytes"
)


@dataclass(frozen=True)
class Point:
    """One row behind one kind of network card."""

    nic: str
    row: Row

    @property
    def keys(self) -> list[str]:
        """Names of its results."""
        return [figures.key(self.nic, self.row.name, kind) for kind in figures.KINDS]


@dataclass(frozen=True)
class Counted:
    """What the target counted so far, in nanoseconds of its time, packets and bytes that left by eth1."""

    now_ns: int
    idle_ns: int
    packets: int
    octets: int

    @classmethod
    def read(cls, target: Target) -> Counted:
        """Ask the target; what asking costs it is part of what it counts next."""
        answer = target.run(_READ).output
        with understood("what it counted", answer):
            return cls(*(int(re.findall(r"\d+", line)[-1]) for line in answer.splitlines()))

    def until(self, later: Counted) -> dict[str, int]:
        """What happened in between."""
        return {
            "virtual_ns": later.now_ns - self.now_ns,
            "idle_ns": later.idle_ns - self.idle_ns,
            "sent": later.packets - self.packets,
            "octets": later.octets - self.octets,
        }


def plan(rows: Sequence[Row]) -> list[Point]:
    """Both network cards, for those of ``rows`` that are measured here."""
    return [Point(nic, row) for nic in figures.NICS for row in figures.ROWS if row in rows]


def seconds(points: Sequence[Point], runs: int) -> float:
    """How long it takes, about."""
    udp = len(figures.UDP) * (runs + 1) * (_WINDOW + _DRAIN + 0.1)
    return len(points) * (udp + _TCP_START + runs * _WINDOW + 8)


def missing(points: Sequence[Point], store: Store) -> list[Point]:
    """Those that the store does not have whole."""
    return [point for point in points if not all(key in store.results for key in point.keys)]


def measure(image: Image, points: Sequence[Point], runs: int, store: Store, later: float = 0.0) -> None:
    """Take what the store does not have, in one boot for each card; ``later`` seconds are known to follow."""
    wanted = missing(points, store)
    left = later + seconds(wanted, runs)
    for nic, group in groupby(wanted, key=lambda point: point.nic):
        with stage(f"boot the target ({nic}, its own time)"):
            lab = Lab.start()
            target = Target.boot(image, lab=lab, profile=PROFILE, nic=nic)
        with lab, target:
            for point in group:
                with (
                    active(target, PathSetting(point.row)),
                    stage(f"traffic from outside: {point.row.label}, {nic}"),
                ):
                    results = [_udp(lab, target, load, runs) for load in figures.UDP]
                    results.append(bulk(lab, target, runs))
                for key, result in zip(point.keys, results, strict=True):
                    store.add(key, result)
                left -= seconds([point], runs)
                say(f"  {brief(results)}  ({duration(left)} left)")


def brief(results: Sequence[dict[str, Any]]) -> str:
    """Return a point's results in a few words."""
    *udp, tcp = results
    costs = " and ".join(f"{figures.udp_cost(one).median:,.0f}" for one in udp)
    return f"{costs} instructions a packet; TCP {figures.tcp_rate(tcp).median:,.0f} Mbit/s of its own time"


def _udp(lab: Lab, target: Target, load: Load, runs: int) -> dict[str, Any]:
    """Cost of a paced flow, and what the target does in the same time without it."""
    sides = topology.load()
    with (
        lab.socket("client", socket.AF_INET, socket.SOCK_DGRAM) as outbox,
        lab.socket("server", socket.AF_INET, socket.SOCK_DGRAM) as inbox,
    ):
        inbox.bind((sides.server.endpoint.address4, 0))  # nobody reads it: full, it drops
        outbox.connect(inbox.getsockname())
        _send(outbox, load, _WINDOW / 4)  # hosts and router look for one another
        rest = _window(target, lambda: time.sleep(_WINDOW + _DRAIN))
        found = [_window(target, lambda: _send(outbox, load, _WINDOW)) for _ in range(runs)]
    return {"rate": RATE, "burst": load.burst, "rest": rest, "runs": found}


def _window(target: Target, act: Callable[[], None]) -> dict[str, int]:
    before = Counted.read(target)
    act()
    return before.until(Counted.read(target))


def _send(outbox: socket.socket, load: Load, seconds: float) -> None:
    """Send bursts at times of the host's clock, and wait for the last to pass."""
    packet = bytes(load.length - _HEADERS)
    begin = time.monotonic()
    for number in range(int(RATE * seconds / load.burst)):
        due = begin + number * load.burst / RATE
        time.sleep(max(0.0, due - time.monotonic()))
        for _ in range(load.burst):
            outbox.send(packet)
    time.sleep(_DRAIN)


def bulk(lab: Lab, target: Target, runs: int, least: int = _FLOWS) -> dict[str, Any]:
    """One bulk stream, in the middle of its life: windows in which ``least`` packets and more flowed.

    KitError FQ-BENCH where too few windows are such.
    """
    address = topology.load().server.endpoint.address4
    tries = 3 * runs
    with iperf.running(lab, address, round(_TCP_START + tries * (_WINDOW + 1)) + 20):
        time.sleep(_TCP_START)
        found: list[dict[str, int]] = []
        while len(found) < runs and tries:
            window = _window(target, lambda: time.sleep(_WINDOW))
            found += [window] if window["sent"] >= least else []
            tries -= 1
    if len(found) < runs:
        what = "TCP hardly passed the target: the host starves it, or a handler died"
        raise KitError("FQ-BENCH", what, "run it again when the host has time; see the target's kernel log")
    return {"runs": found}
