# SPDX-License-Identifier: MIT
"""Boards as data: br2-external/board/NAME/board.toml as a dataclass, and whether an image runs there."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.hardware import cpu_class
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT

FOLDER = PROJECT / "br2-external" / "board"
FILE = "board.toml"

_TYPES = {"summary": str, "cpu": str, "memory": int, "console": dict, "disk": dict, "nics": list}


@dataclass(frozen=True)
class Console:
    """Serial port of the board's firmware, boot loader and kernel: device in the target, and its speed."""

    device: str
    baud: int


@dataclass(frozen=True)
class BoardDisk:
    """What the board boots from: the kernel's name for it, its bus, the kernel option."""

    device: str
    bus: str
    option: str


@dataclass(frozen=True)
class Nics:
    """Network cards of one kind: how many, the kernel's driver, the option that builds it."""

    count: int
    driver: str
    option: str


@dataclass(frozen=True)
class Board:
    """A machine that images are made for, or known not to run on.

    cpu:    class of devkit.hardware.cpu_class
    memory: MB, the least that is sold
    """

    name: str
    summary: str
    cpu: str
    memory: int
    console: Console
    disk: BoardDisk
    nics: tuple[Nics, ...]

    def lacking(self, needs: str) -> list[str]:
        """Return what this board's CPU lacks to run an image for the class ``needs``."""
        return cpu_class.lacking(self.cpu, needs)

    def check(self, needs: str) -> None:
        """Raise KitError FQ-BOARD where an image for the CPU class ``needs`` cannot run here."""
        lacks = self.lacking(needs)
        if lacks:
            what = f"{self.name} ({self.summary}) lacks {', '.join(lacks)}: "
            what += f"an image for {needs} cannot run there"
            others = [name for name in names() if not load(name).lacking(needs)]
            remedy = f"boards that can: {', '.join(others)}; {self.name} needs an image for {self.cpu}"
            raise KitError("FQ-BOARD", what, remedy)


def names(folder: Path = FOLDER) -> list[str]:
    """Names of the boards there are, sorted."""
    return sorted(path.parent.name for path in folder.glob(f"*/{FILE}"))


def load(name: str, folder: Path = FOLDER) -> Board:
    """Read and check a board; KitError FQ-BOARD names what is wrong and what there is."""
    if name not in names(folder):
        raise KitError("FQ-BOARD", f"there is no board {name!r}", f"one of: {', '.join(names(folder))}")
    path = folder / name / FILE
    try:
        return _checked(name, tomllib.loads(path.read_text()))
    except (TypeError, ValueError, KitError) as error:
        remedy = "compare the file with that of another board"
        raise KitError("FQ-BOARD", f"{path}: {error}", remedy) from error


def _checked(name: str, table: dict[str, Any]) -> Board:
    for key, kind in _TYPES.items():
        if not isinstance(table.get(key), kind):
            raise ValueError(f"{key} must be there, and a {kind.__name__}")
    cpu_class.features(table["cpu"])
    parts = {
        "console": Console(**table["console"]),
        "disk": BoardDisk(**table["disk"]),
        "nics": tuple(Nics(**nics) for nics in table["nics"]),
    }
    return Board(name, **{**table, **parts})
