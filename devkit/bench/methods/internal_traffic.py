# SPDX-License-Identifier: MIT
"""Measurements whose traffic is made inside the target: one boot, one way after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from devkit.bench.paths.laying import active
from devkit.bench.results.store import Store
from devkit.bench.schedule import Step, by_setting
from devkit.bench.workload import veth_network
from devkit.hardware.machine_profile import Profile
from devkit.host.progress import stage
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.target.qemu import Target

PROFILE = "p3-1g-alone"
#: Room for the largest ring beside the source; figures do not depend on it. MB.
MEMORY = 128

Advance = Callable[[Step], None]


def measure(
    image: Image, steps: Sequence[Step], store: Store, advance: Advance, profile: str | Profile = PROFILE
) -> None:
    """Take all ``steps`` that the store does not have; ``advance`` hears of each that is done."""
    missing = [step for step in steps if step.key not in store.results]
    if not missing:
        return
    with stage("boot the target"):
        lab = Lab.start()
        target = Target.boot(image, lab=lab, profile=profile, mem=MEMORY)
    with lab, target, veth_network.set_up(target) as made:
        for setting, group in by_setting(missing):
            with active(target, setting):
                for step in group:
                    store.add(step.key, step.measure(target, made))
                    advance(step)
