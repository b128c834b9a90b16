# SPDX-License-Identifier: MIT
"""A disk that the target boots from, as a board does: firmware, GRUB, kernel, all from its bytes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from devkit.host.errors import KitError
from devkit.lab.machine import fd

#: Words of ``./inv boot --from``.
SOURCES = ("kernel", "disk")

#: QEMU's devices for a disk called ``disk``, by the bus that the user names.
BUSES = {
    "ide": ("-device", "ide-hd,drive=disk,bus=ide.0"),
    "sata": ("-device", "ahci,id=sata", "-device", "ide-hd,drive=disk,bus=sata.0"),
    "usb": ("-device", "usb-ehci,id=usb", "-device", "usb-storage,drive=disk,bus=usb.0"),
    "virtio": ("-device", "virtio-blk-pci,drive=disk"),
}


#: Descriptors that QEMU gets, and the sets by which it names them.
_DISK, _WRITES = "disk", "disk-log"
_DISK_SET, _WRITES_SET = 2, 3


@dataclass(frozen=True)
class BootDisk:
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

    @property
    def names(self) -> list[str]:
        """Names of the descriptors that QEMU is to be given."""
        return [_DISK, *([_WRITES] if self.log else [])]

    @contextmanager
    def opened(self) -> Iterator[list[int]]:
        """Open the files behind ``names``, for QEMU. OSError, and KitError FQ-ARGUMENT for a device in use.

        A block device is opened for us alone, and QEMU gets that very descriptor: nothing of this machine can
        mount it until the target ends.
        """
        assert self.path is not None
        with ExitStack() as stack:
            found = [_open(self.path, write=self.keep)]
            stack.callback(os.close, found[0])
            if self.log:
                found.append(_open(self.log, write=True))
                stack.callback(os.close, found[1])
            yield found

    def _backend(self) -> list[str]:
        assert self.path is not None
        sets = ["-add-fd", f"fd={fd(_DISK)},set={_DISK_SET}"]
        driver = "host_device" if self.path.is_block_device() else "file"
        file = f"/dev/fdset/{_DISK_SET}"
        if not self.keep:
            drive = f"if=none,id=disk,format=raw,file.driver={driver},file.filename={file},snapshot=on"
            return [*sets, "-drive", drive]
        nodes = [f"driver={driver},node-name=bytes,filename={file}"]
        if self.log:
            sets += ["-add-fd", f"fd={fd(_WRITES)},set={_WRITES_SET}"]
            nodes += [f"driver=file,node-name=log,filename=/dev/fdset/{_WRITES_SET}"]
            nodes += ["driver=blklogwrites,node-name=disk,file=bytes,log=log"]
        else:
            nodes += ["driver=raw,node-name=disk,file=bytes"]
        return [*sets, *(word for node in nodes for word in ("-blockdev", node))]

    def options(self) -> list[str]:
        """Words of ``./inv boot`` for this disk."""
        return ["--from disk", f"--bus {self.bus}", *([f"--disk {self.path}"] if self.keep else [])]


def _check_free(device: Path) -> None:
    """Refuse a device that this machine uses: the target would write below a mounted file system."""
    # Without the right to open it the boot says so itself.
    with suppress(OSError):
        os.close(_open(device, write=False, alone=True))


def _open(path: Path, *, write: bool, alone: bool | None = None) -> int:
    """Open a file, or a block device that is written to for us alone; FQ-ARGUMENT where it is in use."""
    alone = write and path.is_block_device() if alone is None else alone
    # O_EXCL is what file systems, swap and RAIDs hold.
    flags = (os.O_RDWR if write else os.O_RDONLY) | (os.O_EXCL if alone else 0) | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except OSError as error:
        if error.errno == errno.EBUSY:
            what = f"{path} is in use on this machine: the target would write there too"
            remedy = f"umount it, or name another one: lsblk {path}"
            raise KitError("FQ-ARGUMENT", what, remedy, status=2) from error
        raise


@contextmanager
def opened(disk: BootDisk | None) -> Iterator[list[int]]:
    """As Disk.opened, for a machine that may have none."""
    if disk is None:
        yield []
        return
    with disk.opened() as descriptors:
        yield descriptors


def parse(source: str, bus: str = "ide", path: str = "") -> BootDisk | None:
    """Disk for the user's words; None for a boot of the kernel without one. KitError FQ-ARGUMENT."""
    if source not in SOURCES:
        what, remedy = f"nothing boots from {source!r}", f"one of: {', '.join(SOURCES)}"
        raise KitError("FQ-ARGUMENT", what, remedy, status=2)
    if source == "kernel":
        if path:
            raise KitError("FQ-ARGUMENT", "--disk without --from=disk", "add --from=disk", status=2)
        return None
    return BootDisk(Path(path).absolute() if path else None, bus, keep=bool(path), reboots=True)
