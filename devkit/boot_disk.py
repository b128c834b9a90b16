# SPDX-License-Identifier: MIT
"""A disk that the target boots from, as a board does: firmware, GRUB, kernel, all from its bytes."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from devkit.errors import KitError

#: Words of ``./inv boot --from``.
SOURCES = ("kernel", "disk")

#: QEMU's devices for a disk called ``disk``, by the bus that the user names.
BUSES = {
    "ide": ("-device", "ide-hd,drive=disk,bus=ide.0"),
    "sata": ("-device", "ahci,id=sata", "-device", "ide-hd,drive=disk,bus=sata.0"),
    "usb": ("-device", "usb-ehci,id=usb", "-device", "usb-storage,drive=disk,bus=usb.0"),
    "virtio": ("-device", "virtio-blk-pci,drive=disk"),
}


@dataclass(frozen=True)
class Disk:
    """A disk and how it is attached.

    path:    file or block device; None stands for the disk image of the image that is booted
    bus:     one of BUSES
    keep:    what the target writes stays in ``path``; else it is gone when the target ends
    reboots: a reboot of the target is one, as on a board; else it is the target's end
    log:     records every write and flush there, in the format of dm-log-writes; goes with ``keep``
    """

    path: Path | None = None
    bus: str = "ide"
    keep: bool = False
    reboots: bool = False
    log: Path | None = None

    def __post_init__(self) -> None:
        if self.bus not in BUSES:
            remedy = f"one of: {', '.join(BUSES)}"
            raise KitError("FQ-ARGUMENT", f"there is no bus {self.bus!r}", remedy, status=2)
        if self.path is not None and not (self.path.is_file() or self.path.is_block_device()):
            what = f"{self.path} is no file and no block device"
            raise KitError("FQ-ARGUMENT", what, "./inv build makes out/image/disk.img", status=2)
        if self.path is not None and self.keep and self.path.is_block_device():
            _check_free(self.path)

    def arguments(self) -> list[str]:
        """QEMU's arguments for the disk and a watchdog; ``path`` must be there."""
        assert self.path is not None
        return [*self._backend(), *BUSES[self.bus], "-device", "i6300esb", "-action", "watchdog=reset"]

    def _backend(self) -> list[str]:
        name = str(self.path).replace(",", ",,")
        if self.log is None:
            temporary = "" if self.keep else ",snapshot=on"
            return ["-drive", f"if=none,id=disk,format=raw,file={name}{temporary}"]
        log = str(self.log).replace(",", ",,")
        files = [f"driver=file,node-name=bytes,filename={name}", f"driver=file,node-name=log,filename={log}"]
        nodes = [*files, "driver=blklogwrites,node-name=disk,file=bytes,log=log"]
        return [word for node in nodes for word in ("-blockdev", node)]

    def options(self) -> list[str]:
        """Words of ``./inv boot`` for this disk."""
        return ["--from disk", f"--bus {self.bus}", *([f"--disk {self.path}"] if self.keep else [])]


def _check_free(device: Path) -> None:
    """Refuse a device that this machine uses: the target would write below a mounted file system."""
    try:
        # Without the right to open it QEMU says so itself; O_EXCL is what file systems, swap and RAIDs hold.
        os.close(os.open(device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.EBUSY:
            what = f"{device} is in use on this machine: the target would write there too"
            remedy = f"umount it, or name another one: lsblk {device}"
            raise KitError("FQ-ARGUMENT", what, remedy, status=2) from error


def chosen(source: str, bus: str = "ide", path: str = "") -> Disk | None:
    """Disk for the user's words; None for a boot of the kernel without one. KitError FQ-ARGUMENT."""
    if source not in SOURCES:
        what, remedy = f"nothing boots from {source!r}", f"one of: {', '.join(SOURCES)}"
        raise KitError("FQ-ARGUMENT", what, remedy, status=2)
    if source == "kernel":
        if path:
            raise KitError("FQ-ARGUMENT", "--disk without --from=disk", "add --from=disk", status=2)
        return None
    return Disk(Path(path).absolute() if path else None, bus, keep=bool(path), reboots=True)
