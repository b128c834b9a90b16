# SPDX-License-Identifier: MIT
"""Debian's cross compiler for i686, laid out as Buildroot wants an external toolchain.

Debian's own has its C library in /usr/i686-linux-gnu and calls / its sysroot; Buildroot copies the
sysroot of a toolchain into its staging folder and so needs a real one. Drivers and gcc's private folder
are copied too: gcc looks for its parts beside itself.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.image.kernel import build_environment

TRIPLET = "i686-linux-gnu"
PACKAGE = "gcc-i686-linux-gnu"
#: Part of the key: raise it when this module makes something else of the same inputs.
RECIPE = "4"
_TOOLS = (
    "ar",
    "as",
    "ld",
    "ld.bfd",
    "nm",
    "objcopy",
    "objdump",
    "ranlib",
    "readelf",
    "size",
    "strings",
    "strip",
)
_DRIVERS = ("gcc", "cpp", "gcc-ar", "gcc-nm", "gcc-ranlib")
#: Drivers that are told where the sysroot is.
_WRAPPED = ("gcc", "cpp")
_HOME = Path("/usr") / TRIPLET
_PROGRAMS = Path("/usr/bin")
#: Libraries of gcc's that nothing of the image is linked with.
_UNUSED = ("libasan", "libubsan", "libitm", "libgomp", "libquadmath", "libstdc++")


def toolchain() -> Path:
    """Cache entry with ``bin/i686-linux-gnu-gcc`` and its like, and ``sysroot``.

    KitError FQ-TOOL where Debian's cross compiler is not installed.
    """
    version = run_command.run([_tool("gcc"), "--version"], env=build_environment())
    return cache.entry("toolchain", cache.digest(RECIPE, version, _libc_digest()), _make)


def version() -> str:
    """Major version of the compiler, as Buildroot's options name it."""
    return run_command.run([_tool("gcc"), "-dumpversion"]).split(".")[0].strip()


def _tool(name: str) -> Path:
    """Return Debian's own file of a tool; the entry keeps links to it, so PATH does not say where it is.

    KitError FQ-TOOL if it is not installed.
    """
    path = _PROGRAMS / f"{TRIPLET}-{name}"
    if not path.exists():
        raise KitError("FQ-TOOL", f"{path} is not installed", f"apt-get install {PACKAGE}")
    return path


def headers() -> str:
    """Version of the kernel's headers that the C library comes with: ``6.1``."""
    text = (_HOME / "include/linux/version.h").read_text()
    code = {name: int(value) for name, value in re.findall(r"LINUX_VERSION_(\w+) (\d+)", text)}
    return f"{code['MAJOR']}.{code['PATCHLEVEL']}"


def _libc_digest() -> str:
    """Of the C library, so that another one makes another toolchain."""
    return cache.digest_file(_HOME / "lib/libc.so.6")


def _make(work: Path) -> None:
    for folder in ("bin", f"{TRIPLET}/bin", "sysroot/lib", "sysroot/usr/lib"):
        (work / folder).mkdir(parents=True)
    private = Path(run_command.run([_tool("gcc"), "-print-libgcc-file-name"]).strip()).parent
    shutil.copytree(private, work / private.relative_to("/usr"), symlinks=True, ignore=_left_out)
    for tool in _TOOLS:
        (work / "bin" / f"{TRIPLET}-{tool}").symlink_to(_tool(tool))
        (work / TRIPLET / "bin" / tool).symlink_to(f"../../bin/{TRIPLET}-{tool}")
    for driver in _DRIVERS:
        _driver(work, driver)
    _sysroot(work / "sysroot")


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Links of gcc's private folder that lead out of it, and what belongs to libraries left out."""
    unused = {name for name in names if name.startswith(_UNUSED) or name == "omp.h"}
    return unused | {name for name in names if Path(folder, name).is_symlink()}


def _driver(work: Path, name: str) -> None:
    """Copy a driver into bin/; those that compile get a script in front that names the sysroot."""
    real = _tool(name).resolve()
    place = work / "bin" / f"{TRIPLET}-{name}"
    if name not in _WRAPPED:
        shutil.copy2(real, place)
        return
    copied = place.with_name(f"{place.name}.real")
    # What `gcc -v` tells: with / for its sysroot, Buildroot takes it for one that cannot be moved.
    copied.write_bytes(real.read_bytes().replace(b"--with-sysroot=/ ", b"--with-sysroot=. "))
    copied.chmod(0o755)
    place.write_text(
        '#!/bin/sh\nhere=$(dirname -- "$(readlink -f -- "$0")")\n'
        f'exec "$here/{place.name}.real" --sysroot="$here/../sysroot" "$@"\n'
    )
    place.chmod(0o755)


def _sysroot(sysroot: Path) -> None:
    """Shared libraries in lib, what links against them in usr/lib, headers in usr/include."""
    shutil.copytree(_HOME / "include", sysroot / "usr/include", symlinks=True)
    for path in sorted((_HOME / "lib").iterdir()):
        if path.name.startswith(_UNUSED):
            continue
        if ".so." in path.name:
            shutil.copy2(path, sysroot / "lib" / path.name, follow_symlinks=False)
        elif path.name == "libc.so":
            # A linker script with absolute paths: without them the linker looks in the sysroot.
            (sysroot / "usr/lib/libc.so").write_text(path.read_text().replace(f"{_HOME}/lib/", ""))
        elif path.is_symlink():
            (sysroot / "usr/lib" / path.name).symlink_to(f"../../lib/{path.readlink().name}")
        elif path.is_file():
            shutil.copy2(path, sysroot / "usr/lib" / path.name)
