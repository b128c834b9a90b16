# SPDX-License-Identifier: MIT
"""Block devices of this machine, as lsblk tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from devkit.host import run_command
from devkit.host.errors import KitError

COLUMNS = (
    "NAME,KNAME,PATH,MAJ:MIN,TYPE,SIZE,RO,RM,HOTPLUG,"
    "MODEL,SERIAL,VENDOR,TRAN,LOG-SEC,FSTYPE,LABEL,MOUNTPOINTS"
)


@dataclass(frozen=True)
class Device:
    """A block device and what is built on it.

    name:      in the kernel (``sdb``, ``dm-0``); ``path`` may be a friendlier one (``/dev/mapper/...``)
    number:    ``major:minor``
    kind:      lsblk's type: disk, part, loop, crypt, lvm, raid1, mpath, rom, ...
    size:      bytes; 0 for a reader without a medium
    removable: what the kernel says of the medium; ``hotplug``: of the bus
    bus:       usb, nvme, sata, ...; empty where unknown (SD cards in slots)
    sector:    bytes of a logical sector
    mounts:    mount points, and ``[SWAP]``
    """

    name: str
    path: str
    number: str
    kind: str
    size: int
    read_only: bool = False
    removable: bool = False
    hotplug: bool = False
    model: str = ""
    serial: str = ""
    bus: str = ""
    sector: int = 512
    filesystem: str = ""
    label: str = ""
    mounts: tuple[str, ...] = ()
    children: tuple[Device, ...] = ()

    def tree(self) -> Iterator[Device]:
        """This device and all that is built on it, each once."""
        seen = set()
        waiting = [self]
        while waiting:
            device = waiting.pop(0)
            if device.number not in seen:
                seen.add(device.number)
                yield device
                waiting += device.children


@dataclass(frozen=True)
class HostDevices:
    """Block devices of a machine, and what the caller needs of them.

    needed: words (``the image /home/me/disk.img``) by the number of the device that it lies on
    """

    devices: tuple[Device, ...]
    needed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, path: str) -> Device | None:
        """Device of that path, links resolved before; also by the kernel's own name for it."""
        found = (device for top in self.devices for device in top.tree())
        return next((device for device in found if path in {device.path, f"/dev/{device.name}"}), None)

    def below(self, device: Device) -> list[Device]:
        """Whole devices that ``device`` is part of or built on, itself left out."""
        numbers = {device.number}
        tops = (top for top in self.devices if top.number not in numbers)
        return [top for top in tops if any(one.number in numbers for one in top.tree())]


def read() -> HostDevices:
    """Ask lsblk; KitError FQ-TOOL, FQ-COMMAND."""
    argv = [run_command.need("lsblk", "util-linux"), "--json", "--bytes", "--all", "--output", COLUMNS]
    return parse(run_command.run(argv, timeout=30, remedy="a device may be stuck: dmesg tells"))


def parse(text: str) -> HostDevices:
    """Machine of what ``lsblk --json --bytes --all`` prints; loop devices without a file are left out."""
    try:
        devices = tuple(_device(entry) for entry in json.loads(text)["blockdevices"])
    except (KeyError, TypeError, ValueError) as error:
        what = f"lsblk's output is not understood: {error!r}"
        raise KitError("FQ-FLASH-DEVICE", what, "it needs util-linux 2.37 or newer") from error
    return HostDevices(tuple(device for device in devices if device.size or device.kind != "loop"))


def _device(entry: Mapping[str, Any]) -> Device:
    return Device(
        name=entry["kname"],
        path=entry["path"],
        number=entry["maj:min"],
        kind=entry["type"],
        size=int(entry["size"] or 0),
        read_only=entry["ro"],
        removable=entry["rm"],
        hotplug=entry["hotplug"],
        model=" ".join(filter(None, (_text(entry, "vendor"), _text(entry, "model")))),
        serial=_text(entry, "serial"),
        bus=_text(entry, "tran"),
        sector=int(entry["log-sec"] or 512),
        filesystem=_text(entry, "fstype"),
        label=_text(entry, "label"),
        mounts=tuple(filter(None, entry["mountpoints"])),
        children=tuple(_device(child) for child in entry.get("children", ())),
    )


def _text(entry: Mapping[str, Any], key: str) -> str:
    return str(entry.get(key) or "").strip()
