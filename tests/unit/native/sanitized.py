# SPDX-License-Identifier: MIT
"""C code of native/ under gcc's sanitizers, for this machine or, with the target's libraries, for i686."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from devkit.image.native_programs import COMPILER, UAPI, sysroot

_X86 = ("x86_64", "i686", "i586")
HERE = Path(__file__).parent
NATIVE = HERE.parents[2] / "native"
COMPAT = NATIVE / "nfqueue-compat"
#: Programs of their own, what asks the original library, and what writes to the system's log.
_NOT_OF_THE_LIBRARY = ("fastqueue-run", "stand-in", "forward", "log")

SANITIZERS = (
    "-fsanitize=address,undefined", "-fno-sanitize-recover",
    "-fno-sanitize=alignment",  # netlink aligns 64-bit numbers like 32-bit ones; the x86 does not mind
)  # fmt: skip
_FLAGS = ("-g", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread")
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}


@dataclass(frozen=True)
class Machine:
    """What code is compiled for, and how.

    include, link: words for the compiler; ``link`` comes after the sources
    """

    compiler: str
    include: tuple[str, ...]
    link: tuple[str, ...]


HOST = Machine("gcc", (f"-I{HERE / 'include'}",), ("-ldl",))


@cache
def i686() -> Machine:
    """Return the target's architecture with its libraries, in programs that run here.

    KitError where Debian's packages of them cannot be had; a processor without i686 skips the test.
    """
    if platform.machine() not in _X86:
        pytest.skip("this processor runs no i686 programs")
    packages = sysroot() / "usr"
    libraries = packages / "lib/i386-linux-gnu"
    runtime = _runtime()
    return Machine(
        COMPILER,
        (f"-isystem{packages / 'include'}",),
        (
            f"-L{libraries}",
            f"-Wl,--dynamic-linker={runtime / 'ld-linux.so.2'}",
            f"-Wl,--disable-new-dtags,-rpath={runtime}:{libraries}",
        ),
    )


def _runtime() -> Path:
    """Folder of the cross compiler's own C library and sanitizers."""
    argv = [COMPILER, "-print-file-name=ld-linux.so.2"]
    return Path(subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()).parent


def compat_library() -> list[Path]:
    """Sources of the compatibility library for the model of the device."""
    parts = [path for path in sorted(COMPAT.glob("*.c")) if path.stem not in _NOT_OF_THE_LIBRARY]
    return [*parts, *(NATIVE / f"libfastqueue/{name}.c" for name in ("ring", "verdict", "empty"))]


def compile_program(
    program: Path,
    sources: Iterable[Path],
    *,
    machine: Machine = HOST,
    flags: Sequence[str] = (),
    libraries: Sequence[str] = (),
) -> Path:
    """Compile ``sources`` under the sanitizers; return ``program``."""
    own = [f"-I{folder}" for folder in (UAPI, NATIVE / "libfastqueue")]
    words = [machine.compiler, *_FLAGS, *SANITIZERS, *flags, *own, *machine.include, *map(str, sources)]
    return _compiled([*words, *libraries, *machine.link, "-o", str(program)], program)


def compile_plain(made: Path, source: Path, machine: Machine) -> Path:
    """Compile one source without sanitizers, optimized; return the object file."""
    flags = (*_FLAGS, "-O2", "-fno-strict-aliasing", "-D_FILE_OFFSET_BITS=64", "-c")
    return _compiled([machine.compiler, *flags, str(source), "-o", str(made)], made)


def _compiled(argv: list[str], made: Path) -> Path:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return made
