# SPDX-License-Identifier: MIT
"""invoke flash: choose nothing, refuse what is doubtful, write, and believe only what reads back."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from devkit.flash import block_device, device_listing, image_source, needed_devices, transfer
from devkit.flash.block_device import Device, HostDevices
from devkit.flash.confirm import confirm
from devkit.flash.exit_status import IMAGE, NOT_PERMITTED, REFUSED, USAGE
from devkit.flash.image_source import DiskImage
from devkit.flash.interrupts import message_on_interrupt
from devkit.flash.medium import RawDisk
from devkit.flash.policy import WriteRequest, refusals
from devkit.flash.transfer_progress import phase, tell
from devkit.hardware import board as boards
from devkit.host.errors import KitError
from devkit.host.paths import OUT
from devkit.host.progress import say

DEFAULT_IMAGE = OUT / "image" / "disk.img"


@dataclass(frozen=True)
class FlashOptions:
    """What the user asked for.

    device:     path, links allowed
    board:      name of the board it is for, or none
    yes:        nothing is asked
    dry_run:    nothing is written
    fixed_disk: a disk that is not removable is meant
    """

    device: str
    image: Path = DEFAULT_IMAGE
    board: str = ""
    yes: bool = False
    dry_run: bool = False
    fixed_disk: bool = False


def flash(wish: FlashOptions) -> None:
    """Do it, or say why not: KitErrors of its parts, with the statuses of flash.status."""
    if not wish.device:
        _list(wish)
    image = image_source.load(wish.image)
    _check_board(wish.board, image)
    target = _chosen(wish, image)
    _check_permission(target)
    with (
        image.path.open("rb") as file,
        message_on_interrupt("interrupted: nothing was written", "run it again") as now,
    ):
        with phase(f"check {image.path}", image.size) as advance:
            image_source.check(image, file, advance)
        for line in ["Target:", *(f"  {line}" for line in device_listing.portrait(target))]:
            say(line)
        if wish.dry_run:
            _rehearse(target, image)
            return
        if not wish.yes:
            confirm(target)
            # A stick may have been pulled, or mounted by a desktop, while the question was open.
            _same(target, _chosen(wish, image))
        _transfer(file, image, target, now)


def _list(wish: FlashOptions) -> None:
    size = wish.image.stat().st_size if wish.image.is_file() else 0
    machine = _machine(wish.image)
    for line in device_listing.overview(machine, WriteRequest(size, wish.fixed_disk)):
        say(line)
    remedy = "name one: ./inv flash /dev/..."
    raise KitError("FQ-FLASH-DEVICE", "no device was named, none is chosen by itself", remedy, status=USAGE)


def _machine(image: Path) -> HostDevices:
    return needed_devices.with_needed(block_device.read(), image if image.exists() else None)


def _check_board(name: str, image: DiskImage) -> None:
    if not name:
        return
    board = boards.load(name)
    if image.cpu is None:
        what = f"nothing says which CPU {image.path} is for, so it is not known whether it runs on {name}"
        remedy = 'an image.json beside it with its hash and "cpu" says so; without --board it is not asked'
        raise KitError("FQ-FLASH-IMAGE", what, remedy, status=IMAGE)
    board.check(image.cpu)


def _chosen(wish: FlashOptions, image: DiskImage) -> Device:
    """The device that is meant, if it may be written to; KitError FQ-FLASH-DEVICE, FQ-FLASH-REFUSED."""
    path = _block_device(wish.device)
    machine = _machine(wish.image)
    device = machine.find(path)
    if device is None:
        raise _no_device(f"lsblk does not know {path}", "./inv flash lists the devices")
    against = refusals(device, machine, WriteRequest(image.size, wish.fixed_disk))
    if against:
        reasons, remedies = device_listing.against(against)
        raise KitError("FQ-FLASH-REFUSED", f"not {device.path}: {reasons}", remedies, status=REFUSED)
    return device


def _block_device(name: str) -> str:
    path = os.path.realpath(name)
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        shown = name if path == name else f"{name} ({path})"
        remedy = "is it plugged in? ./inv flash lists the devices"
        raise _no_device(f"{shown}: {error.strerror}", remedy) from error
    if not stat.S_ISBLK(mode):
        raise _no_device(f"{path} is no block device", "name one: ./inv flash lists them")
    return path


def _no_device(what: str, remedy: str) -> KitError:
    return KitError("FQ-FLASH-DEVICE", what, remedy, status=REFUSED)


def _check_permission(device: Device) -> None:
    if not os.access(device.path, os.R_OK | os.W_OK):
        words = shlex.join(sys.argv[1:] if "--search-root" not in sys.argv else sys.argv[3:])
        what = f"you may not write to {device.path}"
        raise KitError("FQ-FLASH-ROOT", what, f"sudo ./inv {words}", status=NOT_PERMITTED)


def _same(before: Device, now: Device) -> None:
    if (before.number, before.size, before.serial) != (now.number, now.size, now.serial):
        what = f"{now.path} is another device than the one that was shown"
        raise KitError("FQ-FLASH-REFUSED", what, "run it again", status=REFUSED)


def _rehearse(target: Device, image: DiskImage) -> None:
    with RawDisk(target.path, target.number, writable=False) as disk:
        for start, stop in transfer.cleared(disk.size, image.size):
            say(f"would clear bytes {start} to {stop}")
        say(f"would write {image.size} bytes, read them back and compare, and re-read the partition table")
    say("dry run: nothing was written")


def _transfer(file: BufferedReader, image: DiskImage, target: Device, now: Callable[[str], None]) -> None:
    """Write and compare; ``now`` is told what an interrupt would have to say."""
    path = target.path
    with RawDisk(path, target.number, writable=True) as disk:
        if disk.size < image.size:
            what = f"not {path}: it has {disk.size} bytes, the image {image.size}"
            raise KitError("FQ-FLASH-REFUSED", what, "take a larger medium", status=REFUSED)
        now(f"interrupted while writing: {path} is incomplete and does not boot")
        with phase(f"write {path}", image.size) as advance:
            transfer.write(file, disk, image.size, advance)
        now(f"interrupted: {path} is written, but was not compared with the image")
        with phase(f"read back {path}", image.size) as advance:
            transfer.verify(file, disk, image.size, image.sha256, advance)
        now(f"interrupted: {path} is written and compared; the kernel may have its old partition table")
        if not disk.reread_partitions():
            tell(f"the kernel keeps the old partition table of {path}: unplug it, plug it in again")
    tell(f"{path} holds {image.path}, compared byte by byte. It may be taken out.")
