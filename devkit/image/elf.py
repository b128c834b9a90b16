# SPDX-License-Identifier: MIT
"""Shared libraries that programs need, read from their ELF headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection

from devkit.host.errors import KitError


def needed(path: Path) -> list[str]:
    """Names of the shared libraries that an ELF file asks for; none for other files."""
    with _opened(path) as file:
        section = file.get_section_by_name(".dynamic") if file else None
        if not isinstance(section, DynamicSection):
            return []
        return [str(vars(tag)["needed"]) for tag in section.iter_tags("DT_NEEDED")]


def versions_needed(path: Path) -> dict[str, set[str]]:
    """Versions of symbols (``GLIBC_2.36``) that an ELF file asks for, by the library's name."""
    with _opened(path) as file:
        section = file.get_section_by_name(".gnu.version_r") if file else None
        if not isinstance(section, GNUVerNeedSection):
            return {}
        return {
            str(library.name): {str(one.name) for one in wanted}
            for library, wanted in section.iter_versions()
        }


def versions_defined(path: Path) -> set[str]:
    """Versions of symbols that a library has."""
    with _opened(path) as file:
        section = file.get_section_by_name(".gnu.version_d") if file else None
        if not isinstance(section, GNUVerDefSection):
            return set()
        return {str(next(names).name) for _, names in section.iter_versions()}


@contextmanager
def _opened(path: Path) -> Iterator[ELFFile | None]:
    """An ELF file; None for other files. KitError FQ-ELF for one that is damaged."""
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            yield None
            return
        try:
            yield ELFFile(file)
        except ELFError as error:
            raise KitError(
                "FQ-ELF", f"damaged ELF file {path.name}: {error}", "./inv build --update"
            ) from error


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
                raise KitError("FQ-LIBRARY", what, "add the package to devkit/image/debian/packages.txt")
            found.add(name)
            pending.append(libraries[name])
    return found
