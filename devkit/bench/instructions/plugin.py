# SPDX-License-Identifier: MIT
"""The plugin: built with the host's compiler when it is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from devkit import command
from devkit import profile as profiles
from devkit.paths import LOGS
from devkit.profile import Profile

SOURCE = Path(__file__).parent / "plugin.c"
CFLAGS = ("-O2", "-Wall", "-Wextra", "-fPIC")


def build(folder: Path) -> Path:
    """Return the plugin, compiled into ``folder``; KitError FQ-TOOL, FQ-COMMAND."""
    library = folder / "libinstructions.so"
    compiler = command.need("cc", "gcc")
    command.run(
        [compiler, *CFLAGS, "-shared", "-o", library, SOURCE],
        log=LOGS / "plugin.log",
    )
    return library


def profile_with(library: Path, out: Path, name: str) -> Profile:
    """Return the profile ``name`` with the plugin, which writes to ``out``."""
    base = profiles.load(name)
    library, out = library.resolve(), out.resolve()
    words = ("-plugin", f"{_escaped(library)},out={_escaped(out)}")
    return replace(base, arguments=(*base.arguments, *words), reads=(library,), writes=(out.parent,))


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")
