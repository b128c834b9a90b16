# SPDX-License-Identifier: MIT
"""An update of a running target that booted from a disk: the image of out/image into its other slot."""

from __future__ import annotations

from collections.abc import Callable

from devkit.commands.boot import DEFAULT_LAB
from devkit.host.progress import say, stage
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.target import ab_update
from devkit.target.qemu import Target


def update_target(build: Callable[[str], Image], lab: str, base: str = "") -> None:
    """Build the image and put its slot on trial in the running target of ``lab``; a reboot takes it.

    ``build`` is told the base: ``base``, or where none is named that of what the target booted. Another one
    would come as a surprise, and may take long to build.
    KitError: FQ-LAB where no such lab runs, FQ-STATUS where its target has no slots or refuses the update.
    """
    target = Target.attach(Lab.attach(lab))
    try:
        running = ab_update.slots(target).running
        image = build(base or str(target.lab.info()["target"]["base"]))
        with stage("update: into the slot that is not running"):
            answer = ab_update.update(target, image.slot)
    finally:
        target.close()
    say(answer or f"slot {running} runs on; the other one is on trial")
    run = "./inv run" if lab == DEFAULT_LAB else f"./inv run --lab {lab}"
    say(f"next: {run} -- reboot, then {run} -- fastqueue-update --status")
