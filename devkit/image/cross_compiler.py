# SPDX-License-Identifier: MIT
"""The cross compiler by itself, for programs that are not part of native/: baselines and tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devkit.host import run_command
from devkit.image import native_programs
from devkit.image.kernel import build_environment


def link(
    output: Path, sources: Sequence[Path], libraries: Path, words: Sequence[str | Path], log: Path
) -> None:
    """Compile ``sources`` for a Pentium III and link them into ``output``, without symbols.

    ``libraries`` is a folder as native.sysroot() returns it; ``words`` are further options for the
    compiler, libraries (``-lmnl``) among them. KitError FQ-COMMAND with its last lines, FQ-TOOL.
    """
    folder = libraries / "usr/lib/i386-linux-gnu"
    argv: list[str | Path] = [
        run_command.need(native_programs.COMPILER, "gcc-i686-linux-gnu"),
        *native_programs.CFLAGS.split(), "-s",
        f"-I{libraries / 'usr/include'}", *sources,
        f"-L{folder}", f"-Wl,-rpath-link={folder}", *words, "-o", output,
    ]  # fmt: skip
    run_command.run(argv, log=log, env=build_environment())
