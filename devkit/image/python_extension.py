# SPDX-License-Identifier: MIT
"""C extension of the target's Python package: pyhandler/ext, cross-compiled for Debian's i386 CPython."""

from __future__ import annotations

from pathlib import Path

from devkit.host import run_command
from devkit.host.paths import PROJECT
from devkit.image.kernel import build_environment

SOURCE = PROJECT / "pyhandler/ext"
HEADERS = "usr/include/python3.11"
#: Where the interpreter of the target looks, and under which name.
INSTALLED = "usr/lib/python3/dist-packages/fastqueue/_ring.cpython-311-i386-linux-gnu.so"


def includes(sysroot: Path) -> list[str]:
    """Return the compiler's options that name the folders of headers in ``sysroot``."""
    return [f"-I{sysroot / HEADERS}", f"-I{sysroot / 'usr/include'}"]


def build_extension(root: Path, sysroot: Path, compiler: str, flags: str, log: Path) -> None:
    """Build the extension into the file system ``root`` with headers of ``sysroot``.

    KitError FQ-COMMAND, with the compiler's last lines, where it does not build.
    """
    built = root / INSTALLED
    built.parent.mkdir(parents=True, exist_ok=True)
    argv: list[str | Path] = [
        compiler, "-shared", "-fPIC", "-fvisibility=hidden", *flags.split(), *includes(sysroot),
        "-o", built, *sorted(SOURCE.glob("*.c")),
    ]  # fmt: skip
    run_command.run(argv, log=log, env=build_environment(), remedy="the first error in the log says what")
