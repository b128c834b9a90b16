# SPDX-License-Identifier: MIT
"""Which devices may be overwritten: a pure function of the machine, the device and the request."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from devkit.flash.block_device import Device, HostDevices
from devkit.flash.sizes import human

#: The disk image's partition table counts in sectors of this many bytes.
SECTOR = 512

#: Mount points without which the running system is not itself.
_SYSTEM = ("/", "/boot", "/boot/efi", "/boot/firmware", "/efi", "/usr", "/var", "/home")
_SWAP = "[SWAP]"
_WHOLE = ("disk", "loop")
_IN_MEMORY = re.compile(r"(zram|ram)\d+")
#: Partitions of an eMMC that lsblk shows as disks of their own; an SD card has none.
_EMMC_PART = re.compile(r"(mmcblk\d+)(boot\d+|rpmb|gp\d+)")
#: Disks inside the machine. Hot-plug capable SATA ports call them removable, which they are not to us.
_INSIDE = ("sata", "ata", "nvme", "sas", "fc", "iscsi")
#: How to take apart what is built on a device, by lsblk's type of it.
_RELEASE = {
    "crypt": "cryptsetup close {name}",
    "lvm": "lvchange --activate n {path}",
    "mpath": "multipath -f {name}",
    "raid": "mdadm --stop {path}",
}


@dataclass(frozen=True)
class WriteRequest:
    """What is to be written: ``size`` in bytes; ``fixed_disk``: a disk that stays is meant."""

    size: int
    fixed_disk: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why a device is not written to, and what the user can do about it."""

    reason: str
    remedy: str


Rule = Callable[[Device, HostDevices, WriteRequest], Refusal | None]


def refusals(device: Device, machine: HostDevices, request: WriteRequest) -> tuple[Refusal, ...]:
    """All reasons not to write to ``device``, the gravest first; none if it may be overwritten."""
    found = (rule(device, machine, request) for rule in _RULES)
    return tuple(refusal for refusal in found if refusal)


def _not_whole(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    if _IN_MEMORY.fullmatch(device.name):
        return Refusal("it lies in memory", "name a disk")
    part = _EMMC_PART.fullmatch(device.name)
    if part:
        return Refusal(
            "it is a part of an eMMC with a use of its own", f"name the whole device: /dev/{part[1]}"
        )
    if device.kind in _WHOLE and not machine.below(device):
        return None
    wholes = " or ".join(top.path for top in machine.below(device))
    remedy = f"name the whole device: {wholes}" if wholes else "name a disk"
    words = {"part": "a partition", "rom": "an optical drive"}
    return Refusal(f"it is {words.get(device.kind, f'no disk but {device.kind}')}", remedy)


def _no_medium(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    return None if device.size else Refusal("there is no medium in it", "put a card into the reader")


def _holds_system(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    points = [point for one in device.tree() for point in one.mounts if point in _SYSTEM]
    if not points:
        return None
    return Refusal(f"the running system lies on it: {', '.join(points)}", "name another device")


def _holds_swap(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    swaps = [one.path for one in device.tree() if _SWAP in one.mounts]
    return Refusal("it holds swap in use", f"swapoff {shlex.join(swaps)}") if swaps else None


def _needed(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    words = [word for one in device.tree() for word in machine.needed.get(one.number, ())]
    if not words:
        return None
    return Refusal(
        f"it holds {' and '.join(words)}", "go to another directory, copy the image to another disk"
    )


def _mounted(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    points = [point for one in device.tree() for point in one.mounts if point not in (*_SYSTEM, _SWAP)]
    return Refusal(f"mounted: {', '.join(points)}", f"umount {shlex.join(points)}") if points else None


def _held(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    if _holds_system(device, machine, request):
        return None  # whoever follows that remedy has nothing to take apart
    holders = [one for one in device.tree() if one is not device and one.kind != "part"]
    if not holders:
        return None
    words = ", ".join(f"{one.path} ({one.kind})" for one in holders)
    # What lies on top is taken apart first.
    return Refusal(f"in use by {words}", "; ".join(_release(one) for one in reversed(holders)))


def _release(device: Device) -> str:
    kind = "raid" if device.kind.startswith("raid") or device.kind in {"linear", "md"} else device.kind
    pattern = _RELEASE.get(
        kind, "dmsetup remove {name}" if device.name.startswith("dm-") else "release {path}"
    )
    return pattern.format(name=shlex.quote(device.path.rpartition("/")[2]), path=shlex.quote(device.path))


def _read_only(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    remedy = f"look for a switch on the card; or blockdev --setrw {shlex.quote(device.path)}"
    return Refusal("it is read-only", remedy) if device.read_only else None


def _other_sectors(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    if device.sector == SECTOR:
        return None
    what = f"its sectors have {device.sector} bytes, the image's partition table counts in {SECTOR}"
    return Refusal(what, "name a device with sectors of 512 bytes")


def _too_small(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    if not device.size or device.size >= request.size:
        return None
    lack = request.size - device.size
    what = f"too small: {device.size} bytes, the image has {request.size}"
    return Refusal(what, f"take a medium that is larger by {human(lack)}")


def removable(device: Device, machine: HostDevices) -> bool:
    """Whether the device is one that people take out: a stick, a card, a disk on a cable."""
    emmc = {found[1] for one in machine.devices if (found := _EMMC_PART.fullmatch(one.name))}
    return (device.removable or device.hotplug) and device.bus not in _INSIDE and device.name not in emmc


def _fixed(device: Device, machine: HostDevices, request: WriteRequest) -> Refusal | None:
    if request.fixed_disk or removable(device, machine):
        return None
    words = "a loop device" if device.kind == "loop" else "not removable, a disk of this machine"
    return Refusal(f"it is {words}", "if it is really meant: --fixed-disk")


_RULES: tuple[Rule, ...] = (
    _not_whole,
    _holds_system,
    _holds_swap,
    _needed,
    _mounted,
    _held,
    _no_medium,
    _read_only,
    _other_sectors,
    _too_small,
    _fixed,
)
