# SPDX-License-Identifier: MIT
"""The disk image to write, and what its description says of it."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from devkit.flash.exit_status import IMAGE
from devkit.flash.transfer_progress import Advance
from devkit.host.errors import KitError

_SECTOR = 512
_CHUNK = 1 << 20
_SIGNATURE = b"\x55\xaa"
#: Where the four entries of the partition table begin, 16 bytes each: state, ..., type at 4, ...
_TABLE = 446
_HASH = re.compile(r"\\?([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True)
class DiskImage:
    """A disk image and its description.

    size:   bytes
    sha256: what its description says, not yet compared
    cpu:    CPU class it is made for, or none where its description does not say
    """

    path: Path
    size: int
    sha256: str
    cpu: str | None


def load(path: Path) -> DiskImage:
    """Find an image and its description: image.json in its folder, else PATH.sha256 as sha256sum writes it.

    KitError FQ-FLASH-IMAGE where one of them is missing or they do not belong together.
    """
    size = _size(path)
    described = _from_json(path) or _from_sums(path)
    if described is None:
        what = f"nothing says what {path} should be: neither an image.json beside it nor {path.name}.sha256"
        remedy = f"get it from where the image is from; if you made it: sha256sum {path} >{path}.sha256"
        raise _fault(what, remedy)
    image, stated = described
    if stated is not None and stated != size:
        raise _fault(f"{path} has {size} bytes, its description says {stated}", "build or download it again")
    return image


def check(image: DiskImage, file: BufferedReader, advance: Advance) -> None:
    """Compare the content of ``file`` with the description; KitError FQ-FLASH-IMAGE where it differs."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        advance(len(chunk))
    if digest.hexdigest() != image.sha256:
        what = f"{image.path} is damaged: its sha256 is {digest.hexdigest()}, it should be {image.sha256}"
        raise _fault(what, "build or download it again")


def _size(path: Path) -> int:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise _fault(f"{path} is no file", "name a disk image")
        with path.open("rb") as file:
            head = file.read(_SECTOR)
    except OSError as error:
        remedy = "./inv build makes out/image/disk.img; --image PATH names another"
        raise _fault(f"{path} cannot be read: {error.strerror}", remedy) from error
    if found.st_size % _SECTOR or not _has_table(head):
        what = f"{path} is no disk image: it has no partition table, or no whole number of sectors"
        raise _fault(what, "name a disk image, not a part of one")
    return found.st_size


def _has_table(head: bytes) -> bool:
    """Whether a first sector has a partition table; kernels and boot sectors have its signature too."""
    entries = [head[start : start + 16] for start in range(_TABLE, _TABLE + 64, 16)]
    states = {entry[:1] for entry in entries}
    return (
        head[-2:] == _SIGNATURE
        and states <= {b"\x00", b"\x80"}
        and any(entry[4:5] > b"\0" for entry in entries)
    )


def _from_json(path: Path) -> tuple[DiskImage, int | None] | None:
    place = path.parent / "image.json"
    try:
        told = json.loads(place.read_text())
        entry = told["files"].get(path.name)
        if entry is None:
            return None
        image = DiskImage(path, int(entry["size"]), str(entry["sha256"]), told.get("cpu"))
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _fault(f"{place} is not understood: {error!r}", "build or download the image again") from error
    return image, image.size


def _from_sums(path: Path) -> tuple[DiskImage, int | None] | None:
    place = path.with_name(path.name + ".sha256")
    try:
        lines = place.read_text().splitlines()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _fault(f"{place} cannot be read: {error}", "download it again") from error
    for line in lines:
        found = _HASH.fullmatch(line)
        if found and Path(found[2]).name == path.name:
            return DiskImage(path, path.stat().st_size, found[1], None), None
    raise _fault(f"{place} does not name {path.name}", f"sha256sum {path} shows the form it should have")


def _fault(what: str, remedy: str) -> KitError:
    return KitError("FQ-FLASH-IMAGE", what, remedy, status=IMAGE)
