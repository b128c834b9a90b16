# SPDX-License-Identifier: MIT
"""An update of a running target that booted from a disk: the image of out/image into its other slot."""

from __future__ import annotations

from collections.abc import Callable

from devkit import slots
from devkit.build.image import Image
from devkit.lab.client import Lab
from devkit.progress import say, stage
from devkit.target import Target


def update_target(build: Callable[[], Image], lab: str) -> None:
    """Build the image and put its slot on trial in the running target of ``lab``; a reboot takes it.

    KitError: FQ-LAB where no such lab runs, FQ-STATUS where its target has no slots or refuses the update.
    """
    target = Target.attach(Lab.attach(lab))
    try:
        running = slots.slots(target).running
        image = build()
        with stage("update: into the slot that is not running"):
            answer = slots.update(target, image.slot)
    finally:
        target.close()
    say(answer or f"slot {running} runs on; the other one is on trial")
    say("next: ./inv run -- reboot, then ./inv run -- fastqueue-update --status")
