# SPDX-License-Identifier: MIT
"""Instructions per packet through each IDS, and whose they are. Traffic made inside, guest time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from devkit.bench.ids.catalogue import LIGHT_PYTHON, Way
from devkit.bench.ids.laying import active
from devkit.bench.methods import internal_traffic
from devkit.bench.profiler.plugin import Counts
from devkit.bench.profiler.symbols import KERNEL_BEGIN
from devkit.bench.results.store import Store
from devkit.bench.workload import loads, veth_network
from devkit.bench.workload.traffic_source import run_checked
from devkit.bench.workload.veth_network import VethNetwork
from devkit.host.progress import say, stage
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.qemu.extra_disk import SURICATA
from devkit.target.base import understood
from devkit.target.qemu import Target

LOAD = replace(loads.UDP_1400, packets=1_200, warm_up=600)

KERNEL, LIBRARY, PROGRAM = "kernel", "library", "program"
#: Files whose code hands packets over: of NFQUEUE's libraries and of Fast Queue's.
_HANDING = re.compile(r"libnetfilter_queue|libnfnetlink|libmnl|fastqueue")
_WAY_TIME = 20.0  # seconds of an ordinary host

Span = tuple[int, int]


def key(way: Way) -> str:
    """Name of a result."""
    return f"ids/cost/{way.name}"


def missing(ways: Sequence[Way], store: Store) -> list[Way]:
    """Those that the store does not have."""
    return [way for way in ways if key(way) not in store.results]


def seconds(ways: Sequence[Way]) -> float:
    """How long they take, about."""
    return len(ways) * _WAY_TIME


def measure(image: Image, ways: Sequence[Way], store: Store) -> None:
    """Take what the store does not have: in a boot under the plugin that counts, and one without it."""
    for told, group in groupby(missing(ways, store), key=lambda way: way.family != LIGHT_PYTHON):
        with Counts() if told else nullcontext() as counts:
            _measure(image, group, store, counts)


def _measure(image: Image, ways: Iterable[Way], store: Store, counts: Counts | None) -> None:
    profile = counts.profile(internal_traffic.PROFILE) if counts else internal_traffic.PROFILE
    with stage("boot the target with Suricata (source inside)"):
        lab = Lab.start()
        target = Target.boot(image, lab=lab, profile=profile, addition=SURICATA)
    with lab, target, veth_network.set_up(target) as made:
        for way in ways:
            with stage(f"{way.family} {way.label}".strip()), active(target, way) as pid:
                result = _one(target, made, way, pid, counts)
            store.add(key(way), result)
            say(f"  {result['per_packet']:,.0f} instructions a packet")


def _one(
    target: Target, made: VethNetwork, way: Way, pid: int | None, counts: Counts | None
) -> dict[str, Any]:
    """Send the load once; ``counts``: of the plugin, from which follows whose they are."""
    load = LOAD.slower(way.slower)
    found = run_checked(target, made, load)
    result = {"load": vars(load), "per_packet": found.per_packet}
    if not counts:
        return result
    maps = target.run(["cat", f"/proc/{pid}/maps"]).output if pid else ""
    with understood("the maps of a process", maps):
        spans = handing(maps.splitlines())
    counted = parts(counts.read(), spans)
    return {**result, "parts": {name: count / found.sent for name, count in counted.items()}}


def handing(maps: Iterable[str]) -> list[Span]:
    """Return the code of the libraries that hand packets over; lines as /proc/PID/maps has them."""
    found = []
    for line in maps:
        addresses, flags, *_, path = line.split()
        if "x" in flags and _HANDING.search(Path(path).name):
            first, last = addresses.split("-")
            found.append((int(first, 16), int(last, 16)))
    return found


def parts(counts: Mapping[int, int], spans: Sequence[Span]) -> dict[str, int]:
    """Sum counts by address: the kernel's, those of ``spans``, and the rest of user space."""
    found = {KERNEL: 0, LIBRARY: 0, PROGRAM: 0}
    for address, count in counts.items():
        if address >= KERNEL_BEGIN:
            name = KERNEL
        else:
            name = LIBRARY if any(first <= address < last for first, last in spans) else PROGRAM
        found[name] += count
    return found
