# SPDX-License-Identifier: MIT
"""Layout of disk.img: genimage.cfg as genimage carries it out, and as the kit reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from devkit.host import run_command
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT

CONFIG = PROJECT / "br2-external/board/common/genimage.cfg"
SECTOR = 512
MB = 1 << 20
#: Partitions of the table, by their numbers from 1 on.
NAMES = ("boot", "slot-a", "slot-b", "data")
_LABEL = re.compile(r"0x([0-9a-f]{8})")
_GROUP = re.compile(r"partition ([\w-]+) \{(.*?)\}", re.DOTALL)
_FIELD = re.compile(r'^\s*([\w-]+) = "?([^"\n]*)"?$', re.MULTILINE)


@dataclass(frozen=True)
class Partition:
    """One of the table's: begin and length in bytes, type as the table has it, whether it is active."""

    begin: int
    size: int
    kind: int
    active: bool


def read(text: str) -> dict[str, Partition]:
    """Return the partitions of the table by name, in order; ValueError or KeyError for other syntax.

    One without an offset begins where the one before it ends.
    """
    found: dict[str, Partition] = {}
    end = 0
    for name, body in _GROUP.findall(text):
        fields = dict(_FIELD.findall(body))
        if fields.get("in-partition-table") == "false":
            continue
        begin, size = _bytes(fields.get("offset", str(end))), _bytes(fields["size"])
        active = fields.get("bootable") == "true"
        found[name] = Partition(begin, size, int(fields["partition-type"], 16), active)
        end = begin + size
    return found


def _bytes(words: str) -> int:
    return int(words.removesuffix("M")) * MB if words.endswith("M") else int(words)


def table(text: str) -> tuple[dict[str, Partition], str]:
    """Partitions and label of genimage.cfg's ``text``; KitError FQ-DISK for what would make another disk.

    Boot loader and target know the partitions by their numbers, so that these stay.
    """
    try:
        found = read(text)
        label = _LABEL.fullmatch(dict(_FIELD.findall(text))["disk-signature"])
    except (KeyError, ValueError) as error:
        remedy = "sizes are whole numbers of megabytes (32M), types are there for each partition of the table"
        raise KitError("FQ-DISK", f"{CONFIG} is not understood: {error!r}", remedy) from error
    if label is None:
        raise KitError("FQ-DISK", f"{CONFIG}: no number as disk-signature", "0x and eight digits 0 to f")
    if tuple(found) != NAMES:
        what = f"{CONFIG} has the partitions {', '.join(found)}"
        raise KitError("FQ-DISK", what, f"they have to be {', '.join(NAMES)}, in this order")
    return found, label[1]


_TEXT = CONFIG.read_text()
#: LABEL is the disk's identity in its MBR; partition N is PARTUUID=<label>-0N for the kernel.
PARTITIONS, LABEL = table(_TEXT)
BOOT, SLOT_A, SLOT_B, DATA = (PARTITIONS[name] for name in NAMES)
SIZE = DATA.begin + DATA.size


def fingerprint() -> str:
    """What the layout contributes to a cache key."""
    return _TEXT


def carry_out(parts: Path, output: Path, log: Path) -> None:
    """Put the images in ``parts`` together as ``output``/disk.img; KitError FQ-TOOL, FQ-COMMAND.

    ``parts`` gets folders of genimage's own.
    """
    root = parts / "root"
    root.mkdir()
    argv: list[str | Path] = [
        run_command.need("genimage", "genimage"), "--config", CONFIG, "--rootpath", root,
        "--inputpath", parts, "--outputpath", output, "--tmppath", parts / "tmp",
    ]  # fmt: skip
    run_command.run(argv, log=log)
