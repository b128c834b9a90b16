# SPDX-License-Identifier: MIT
"""Machine profiles: qemu/profiles/NAME.toml as a dataclass."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.host.errors import KitError
from devkit.host.paths import PROJECT

FOLDER = PROJECT / "qemu" / "profiles"
DEFAULT = "p3"
ACCELERATORS = ("tcg", "kvm")
PROGRAMS = ("qemu-system-i386", "qemu-system-x86_64")

_TYPES = {"summary": str, "accelerator": str, "cpu": str, "boot_timeout": int, "arguments": list}


@dataclass(frozen=True)
class Profile:
    """How fast and how true to life the target is.

    accelerator:  ``tcg`` or ``kvm``
    cpu:          QEMU's CPU model
    boot_timeout: seconds until the target must take commands
    arguments:    further QEMU arguments
    fallback:     profile to use where this one cannot run, or none
    silence:      seconds after which a kernel that has said nothing is taken to run never, or none
    program:      QEMU's program for the machine
    reads:        files that the arguments name, for QEMU to read
    writes:       directories that QEMU writes to
    """

    name: str
    summary: str
    accelerator: str
    cpu: str
    boot_timeout: float
    arguments: tuple[str, ...]
    fallback: str | None = None
    silence: float | None = None
    program: str = PROGRAMS[0]
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()


def names(folder: Path = FOLDER) -> list[str]:
    """Names of the profiles there are, sorted."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load(name: str, folder: Path = FOLDER) -> Profile:
    """Read and check a profile; KitError FQ-PROFILE names what is wrong and what there is."""
    if name not in names(folder):
        remedy = f"one of: {', '.join(names(folder))}"
        raise KitError("FQ-PROFILE", f"there is no profile {name!r}", remedy)
    path = folder / f"{name}.toml"
    try:
        return _checked(name, tomllib.loads(path.read_text()))
    except ValueError as error:
        remedy = "compare the file with qemu/profiles/p3.toml"
        raise KitError("FQ-PROFILE", f"{path}: {error}", remedy) from error


def _checked(name: str, table: dict[str, Any]) -> Profile:
    for key, kind in _TYPES.items():
        if not isinstance(table.get(key), kind):
            raise ValueError(f"{key} must be there, and a {kind.__name__}")
    unknown = table.keys() - _TYPES.keys() - {"fallback", "silence", "program"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    if table["accelerator"] not in ACCELERATORS:
        raise ValueError(f"accelerator must be one of {', '.join(ACCELERATORS)}")
    if table.get("program", PROGRAMS[0]) not in PROGRAMS:
        raise ValueError(f"program must be one of {', '.join(PROGRAMS)}")
    return Profile(name, **{**table, "arguments": tuple(map(str, table["arguments"]))})
