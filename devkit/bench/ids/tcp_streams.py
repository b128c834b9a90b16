# SPDX-License-Identifier: MIT
"""TCP between the lab's hosts through each IDS, in Mbit per second that the target's processor worked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from devkit.bench.ids import catalogue
from devkit.bench.ids.catalogue import Way
from devkit.bench.ids.laying import active
from devkit.bench.methods import external_traffic
from devkit.bench.progress import duration
from devkit.bench.results import nic_results
from devkit.bench.results.store import Store
from devkit.host.progress import say, stage
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.qemu.extra_disk import SURICATA
from devkit.target.qemu import Target

NIC = "virtio"
#: Packets of a window in which TCP flows through an IDS, a fraction of what the target can do.
LEAST = {"": 500, catalogue.SURICATA: 200, catalogue.LIGHT_C: 200, catalogue.LIGHT_PYTHON: 20}
_STREAM_TIME = 15.0  # seconds of an ordinary host, with laying the way


@dataclass(frozen=True)
class IdsFlow:
    """One bulk stream through ``way``."""

    way: Way
    offloads: bool

    @property
    def key(self) -> str:
        """Name of its result."""
        return key(self.way.name, self.offloads)


def key(way: str, offloads: bool) -> str:
    """Name of a result."""
    return f"ids/tcp/{'on' if offloads else 'off'}/{way}"


def plan() -> list[IdsFlow]:
    """Return what is measured, offloads off first."""
    return [IdsFlow(way, offloads) for offloads in (False, True) for way in catalogue.streamed(offloads)]


def missing(flows: Sequence[IdsFlow], store: Store) -> list[IdsFlow]:
    """Those that the store does not have."""
    return [flow for flow in flows if flow.key not in store.results]


def seconds(flows: Sequence[IdsFlow]) -> float:
    """How long they take, about."""
    return len(flows) * _STREAM_TIME


def measure(image: Image, flows: Sequence[IdsFlow], runs: int, store: Store, later: float = 0.0) -> None:
    """Take what the store does not have, in a boot for each of offloads off and on."""
    wanted = missing(flows, store)
    left = later + seconds(wanted)
    for offloads, group in groupby(wanted, key=lambda flow: flow.offloads):
        words = f"offloads {'on' if offloads else 'off'}"
        with stage(f"boot the target with Suricata ({words})"):
            lab = Lab.start(offloads=offloads)
            target = Target.boot(
                image,
                lab=lab,
                profile=external_traffic.PROFILE,
                nic=NIC,
                offloads=offloads,
                addition=SURICATA,
            )
        with lab, target:
            for flow in group:
                way = flow.way
                with active(target, way), stage(f"TCP, {words}: {way.family} {way.label}"):
                    result = external_traffic.bulk(lab, target, runs, LEAST[way.family])
                store.add(flow.key, result)
                left -= seconds([flow])
                rate = nic_results.tcp_rate(result).median
                say(f"  {rate:,.0f} Mbit/s of the target's own time  ({duration(left)} left)")
