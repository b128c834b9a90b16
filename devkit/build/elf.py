# SPDX-License-Identifier: MIT
"""Shared libraries that programs need, read from their ELF headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from devkit.errors import KitError


def needed(path: Path) -> list[str]:
    """Names of the shared libraries that an ELF file asks for; none for other files."""
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
        try:
            section = ELFFile(file).get_section_by_name(".dynamic")
        except ELFError as error:
            raise KitError(
                "FQ-ELF", f"damaged ELF file {path.name}: {error}", "./inv build --update"
            ) from error
        if not isinstance(section, DynamicSection):
            return []
        return [str(vars(tag)["needed"]) for tag in section.iter_tags("DT_NEEDED")]


def closure(programs: Iterable[Path], libraries: Mapping[str, Path]) -> set[str]:
    """Names of all libraries that ``programs`` need, directly or through other libraries.

    ``libraries`` says where each name lies. KitError FQ-LIBRARY names what is missing and
    who needs it.
    """
    found: set[str] = set()
    pending = list(programs)
    while pending:
        user = pending.pop()
        for name in needed(user):
            if name in found:
                continue
            if name not in libraries:
                what = f"{user.name} needs {name}, which no package of the image has"
                raise KitError("FQ-LIBRARY", what, "add the package to devkit/build/debian/packages.txt")
            found.add(name)
            pending.append(libraries[name])
    return found
