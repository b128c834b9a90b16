# SPDX-License-Identifier: MIT
"""Programs that the image does not carry: a disk of their own beside it, mounted in the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devkit.host.errors import KitError
from devkit.image.debian import suricata_disk

#: Found by it in the target, whatever other disks there are.
_SERIAL = "fq-addition"


@dataclass(frozen=True)
class ExtraDisk:
    """A disk of programs.

    name:    as the user names it
    program: path of its program in the target
    place:   folder where the target has it mounted
    memory:  MB that a target needs for it
    build:   returns the file, a squashfs, made first if it is not in the cache; it is given the root file
             system that it goes with, a squashfs too
    """

    name: str
    program: str
    place: str
    memory: int
    build: Callable[[Path], Path]

    def arguments(self, file: Path) -> list[str]:
        """QEMU's arguments for the disk ``file``, which ``build`` returned."""
        name = str(file).replace(",", ",,")
        return [
            "-blockdev", f"driver=file,node-name=addition,filename={name},read-only=on",
            "-device", f"virtio-blk-pci,drive=addition,serial={_SERIAL}",
        ]  # fmt: skip

    def mount(self) -> str:
        """Return what the target is to do for it: a line of shell."""
        find = f"disk=$(grep -lx {_SERIAL} /sys/block/*/serial) && disk=${{disk%/serial}}"
        return f"{find} && mount -t squashfs -o ro,nosuid,nodev /dev/${{disk##*/}} {self.place}"


SURICATA = ExtraDisk("suricata", suricata_disk.PROGRAM, suricata_disk.PLACE, 256, suricata_disk.image)
ALL = {one.name: one for one in (SURICATA,)}


def parse(name: str) -> ExtraDisk | None:
    """Addition for the user's word, None for none; KitError FQ-ARGUMENT for another word."""
    if name and name not in ALL:
        what = f"there is nothing called {name!r} to boot with"
        raise KitError("FQ-ARGUMENT", what, f"one of: {', '.join(ALL)}", status=2)
    return ALL[name] if name else None
