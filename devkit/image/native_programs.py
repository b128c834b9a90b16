# SPDX-License-Identifier: MIT
"""C code of the target, cross-compiled against Debian's i386 libraries: native/ and pyhandler/ext."""

from __future__ import annotations

import shutil
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.paths import LOGS, PROJECT
from devkit.host.progress import stage
from devkit.image.debian import package_lists
from devkit.image.debian.unpack import unpacked
from devkit.image.kernel import build_environment, jobs
from devkit.image.python_extension import SOURCE as EXTENSION
from devkit.image.python_extension import build_extension

SOURCE = PROJECT / "native"
#: The ABI of the module, which the programs include.
UAPI = PROJECT / "kmod/include/uapi"
COMPILER = "i686-linux-gnu-gcc"
#: What a Pentium III has, and nothing that it lacks. An overrun stack ends the program, as Buildroot has it.
CFLAGS = "-O2 -march=pentium3 -mfpmath=387 -fstack-protector-strong -Wall -Wextra"
#: Part of the keys: raise it when this module makes something else of the same inputs.
RECIPE = "3"


def sysroot(fresh: bool = False) -> Path:
    """Cache entry with ``usr/include`` and ``usr/lib`` of what native/ and pyhandler/ext use.

    ``packages.json`` has their versions; ``fresh`` asks the mirror for newer ones.
    """
    without = ("usr/share", "usr/lib/python3.11")
    return unpacked("sysroot", package_lists.words("sysroot.txt"), without=without, fresh=fresh)


def build_native(fresh: bool = False) -> Path:
    """Cache entry with ``root/``: the installed programs of native/, and the package's extension.

    KitError FQ-COMMAND, with the compiler's last lines, where they do not build.
    """
    libraries = sysroot(fresh)
    packages = (libraries / "packages.json").read_text()
    compiler = run_command.run([run_command.need(COMPILER, "gcc-i686-linux-gnu"), "--version"])

    def key() -> str:
        return cache.digest(RECIPE, CFLAGS, packages, cache.digest_tree(SOURCE, UAPI, EXTENSION), compiler)

    return cache.entry("native", key, lambda work: _make(work, libraries))


def _make(work: Path, libraries: Path) -> None:
    log = LOGS / "native.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    with stage("native: build C programs", log):
        source = work / "native"
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("*.o", "*.so", "*.a", ".*"))
        folder = libraries / "usr/lib/i386-linux-gnu"
        environment = {
            **build_environment(),
            "CFLAGS": CFLAGS,
            "CPPFLAGS": f"-I{UAPI} -I{libraries / 'usr/include'}",
            "LDFLAGS": f"-L{folder} -Wl,-rpath-link={folder}",
        }
        words = [jobs(), f"CC={COMPILER}", f"DESTDIR={work / 'root'}", "install", "install-daq"]
        run_command.run(
            ["make", "-C", source, *words],
            log=log,
            env=environment,
            remedy="the first error in the log says what",
        )
        build_extension(work / "root", libraries, COMPILER, CFLAGS, log)
        for program in (path for path in (work / "root").rglob("*") if path.is_file()):
            _strip(program, log)
        cache.remove_tree(source)


def _strip(path: Path, log: Path) -> None:
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return
    run_command.run([run_command.need("i686-linux-gnu-strip", "binutils-i686-linux-gnu"), path], log=log)
