# SPDX-License-Identifier: MIT
"""On which block device files lie: the image, the working directory."""

from __future__ import annotations

import dataclasses
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from devkit.flash.block_device import HostDevices

_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """A line of mountinfo: where, the number of the file system's device, and its name."""

    point: str
    number: str
    source: str


def parse_mounts(text: str) -> list[Mount]:
    """Mounts of a mountinfo, in its order."""
    mounts = []
    for line in text.splitlines():
        front, _, back = line.partition(" - ")
        fields = front.split()
        mounts.append(Mount(_plain(fields[4]), fields[2], _plain(back.split()[1])))
    return mounts


def mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that a resolved absolute path lies in; of several at one point, the last."""
    best = None
    for mount in mounts:
        inside = mount.point in {"/", path} or path.startswith(mount.point + "/")
        if inside and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def with_needed(machine: HostDevices, image: Path | None) -> HostDevices:
    """``machine`` with the devices marked that hold the working directory and the image, or are the image."""
    mounts = parse_mounts(_MOUNTS.read_text())
    wanted = [(Path.cwd(), "the working directory")]
    wanted += [(image, "the image")] if image else []
    needed: dict[str, tuple[str, ...]] = {}
    for path, word in wanted:
        resolved = os.path.realpath(path)
        mount = mount_of(resolved, mounts)
        if mount:
            _add(needed, _number(mount), f"{word} {resolved}")
    if image:
        for number in _loops_of(machine, image):
            _add(needed, number, f"the image {os.path.realpath(image)} itself, as a loop device")
    return dataclasses.replace(machine, needed=needed)


def _add(needed: dict[str, tuple[str, ...]], number: str, words: str) -> None:
    needed[number] = (*needed.get(number, ()), words)


def _number(mount: Mount) -> str:
    # btrfs and others have numbers of no device; their source is one all the same.
    try:
        found = Path(mount.source).stat()
    except OSError:
        return mount.number
    if not stat.S_ISBLK(found.st_mode):
        return mount.number
    return f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"


def _loops_of(machine: HostDevices, image: Path) -> list[str]:
    backing = {device.number: _backing(device.name) for device in machine.devices if device.kind == "loop"}
    return [number for number, file in backing.items() if file == os.path.realpath(image)]


def _backing(name: str, folder: Path = Path("/sys/block")) -> str:
    try:
        return (folder / name / "loop" / "backing_file").read_text().rstrip("\n")
    except OSError:
        return ""


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)
