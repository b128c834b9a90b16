# SPDX-License-Identifier: MIT
"""Short way from an edit in kmod/ to the module in a running target."""

from __future__ import annotations

from devkit.host.errors import KitError
from devkit.host.progress import say, stage
from devkit.image.image import Image, rebuild_module
from devkit.lab.client import Lab
from devkit.target import kernel_modules
from devkit.target.qemu import Target

_NEW = "/run/fastqueue.ko"
_OLD = "/lib/modules/$(uname -r)/extra/fastqueue.ko"


def reload_module(lab: str, image: Image) -> None:
    """Build the module for ``image`` and load it in the running target of ``lab``, which booted that one.

    Until that target ends modprobe takes the new one too. KitError: FQ-IMAGE where there is no
    image yet, FQ-COMMAND with what the compiler said, FQ-MODULE with what the kernel said.
    """
    if not image.kernel.exists():
        raise KitError("FQ-IMAGE", "there is no image yet", "./inv build, then ./inv boot --detach")
    target = Target.attach(Lab.attach(lab))
    try:
        module = rebuild_module(image)
        with stage("module: put it into the target"):
            target.put(module, _NEW)
            kernel_modules.load_only(target, None)  # may be refused: then the old one stays in its place, too
            target.run(f"umount {_OLD} 2>/dev/null; mount -o bind {_NEW} {_OLD}")
            kernel_modules.load(target, kernel_modules.FASTQUEUE)
    finally:
        target.close()
    say("fastqueue is loaded; ./inv run -- dmesg shows what the kernel said")
