# SPDX-License-Identifier: MIT
"""The disk with Suricata: Debian's i386 package and the libraries that the image lacks, in a squashfs.

The package is the release's backports', in the version that they have when the disk is made. On the
disk is nothing of the kit's but a script that says where the libraries are.

Libraries come along that the image has not, or has in another build: Suricata is to run with those that
Debian made it for, whatever base the image is of. Only the C library is always the image's, as a
process has the loader's one; it has to be as new as Debian's.

The image's guard against instructions that a Pentium III lacks is not asked: cryptography and pattern
matching come with variants for newer processors, 400,000 such instructions, and choose by CPUID. QEMU's
Pentium III has none of them, so that the tests in it find what does not choose.
"""

from __future__ import annotations

import filecmp
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import LOGS
from devkit.host.progress import stage
from devkit.image import elf, squashfs
from devkit.image.debian import package_lists
from devkit.image.debian.apt import RELEASE, Apt, versions
from devkit.image.debian.userland import ARCHITECTURE, LIBRARIES

SUITE = f"{RELEASE}-backports"
#: Where the target has the disk mounted, and the program on it.
PLACE = "/mnt"
PROGRAM = f"{PLACE}/bin/suricata"
#: Part of the key: raise it when this module makes something else of the same lists.
RECIPE = "2"

#: Where an image has its shared libraries: on Buildroot's base, on Debian's; the last one with a name counts.
_PLACES = ("usr/lib", LIBRARIES)
#: Libraries of one build with the loader (libc6's).
_C_LIBRARY = frozenset((
    "ld-linux.so.2", "libanl.so.1", "libc.so.6", "libdl.so.2", "libm.so.6", "libnsl.so.1", "libpthread.so.0",
    "libresolv.so.2", "librt.so.1", "libutil.so.1",
))  # fmt: skip
_PACKAGES, _FILES = "suricata-packages.txt", "suricata-files.txt"
_SCRIPT = f"""#!/bin/sh
# Suricata as Debian has it, with the libraries beside it.
LD_LIBRARY_PATH={PLACE}/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}} exec {PLACE}/usr/bin/suricata "$@"
"""


def disk(rootfs: Path) -> Path:
    """Cache entry with ``suricata.squashfs`` and ``packages.json``, versions by package name.

    ``rootfs``: the image that it is for, a squashfs. KitError: FQ-APT, FQ-MIRROR, FQ-SURICATA where the
    mirror has no Suricata, FQ-LIBRARY, FQ-COMMAND.
    """
    words = (" ".join(package_lists.words(name)) for name in (_PACKAGES, _FILES))
    key = cache.digest(RECIPE, _SCRIPT, *libraries_of(rootfs), *words)
    return cache.entry("suricata", key, lambda work: _make(work, rootfs))


def image(rootfs: Path) -> Path:
    """Return the file to attach beside ``rootfs``."""
    return disk(rootfs) / "suricata.squashfs"


def libraries_of(rootfs: Path) -> list[str]:
    """Names and sizes of an image's libraries, less the kit's own, which change with every edit."""
    argv: list[str | Path] = [_unsquashfs(), "-lls", rootfs, *(f"{place}/*.so*" for place in _PLACES)]
    lines = [line.split() for line in run_command.run(argv).splitlines()]
    files = (f"{words[2]} {' '.join(words[5:])}" for words in lines if words and words[0][0] in "-l")
    return [file for file in files if "fastqueue" not in file]


def _unsquashfs() -> str:
    return run_command.need("unsquashfs", "squashfs-tools")


def _make(work: Path, rootfs: Path) -> None:
    log = LOGS / "suricata.log"
    unpacked, root = work / "unpacked", work / "root"
    with stage("Suricata: fetch and unpack Debian packages", log):
        archives = _download(work, log)
        unpacked.mkdir()
        for archive in archives:
            run_command.run(["dpkg-deb", "-x", archive, unpacked], log=log)
        (work / "packages.json").write_text(json.dumps(versions(one.name for one in archives), indent=2))
    with stage("Suricata: keep what the image lacks", log):
        base = work / "base"
        unpack: list[str | Path] = [_unsquashfs(), "-quiet", "-no-progress", "-d", base, rootfs]
        run_command.run([*unpack, *(f"{place}/*.so*" for place in _PLACES)], log=log)
        for name, path in selected(unpacked, base).items():
            destination = root / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path.resolve(), destination)
            destination.chmod(0o755)
        script = root / "bin/suricata"
        script.parent.mkdir()
        script.write_text(_SCRIPT)
        script.chmod(0o755)
    with stage("Suricata: pack", log):
        squashfs.pack(root, work / "suricata.squashfs", log)
    for folder in ("apt", "unpacked", "base", "root"):
        cache.remove_tree(work / folder)


def _download(work: Path, log: Path) -> list[Path]:
    apt = Apt(work / "apt", ARCHITECTURE, log, more_suites=(SUITE,))
    apt.update()
    packages = package_lists.words(_PACKAGES)
    for package in packages:
        if apt.candidate(package) is None:
            what = f"the mirror has no {package} for {ARCHITECTURE} in {SUITE}"
            raise KitError("FQ-SURICATA", what, "name a mirror that has it in /etc/apt/sources.list", log=log)
    return apt.download_whole(packages, SUITE)


def selected(unpacked: Path, base: Path) -> dict[str, Path]:
    """Files by their paths on the disk: those of the list, and in lib what they need and the image lacks.

    ``unpacked`` has Debian's packages, ``base`` the image's libraries. KitError FQ-LIBRARY where a library is
    in neither, or the image's C library is too old.
    """
    rules = package_lists.words(_FILES)
    every = {str(path.relative_to(unpacked)): path for path in cache.tree_files(unpacked)}
    kept = {name: path for name, path in every.items() if package_lists.wanted(name, rules)}
    debian = _libraries(unpacked, (LIBRARIES, LIBRARIES.removeprefix("usr/")))
    present = _libraries(base, _PLACES)
    used = {name: path for name, path in present.items() if _serves(name, path, debian)}
    libraries = {**debian, **used}
    needed = elf.closure(kept.values(), libraries)
    _check_c_library([*kept.values(), *(libraries[name] for name in needed)], present)
    lacking = sorted(name for name in needed if name not in used)
    return kept | {f"lib/{name}": libraries[name] for name in lacking}


def _serves(name: str, path: Path, debian: Mapping[str, Path]) -> bool:
    """Whether Suricata is to use the image's library ``path`` though Debian may have another."""
    return name in _C_LIBRARY or (name in debian and filecmp.cmp(path, debian[name], shallow=False))


def _check_c_library(users: Iterable[Path], present: Mapping[str, Path]) -> None:
    defined = {name: elf.versions_defined(path) for name, path in present.items() if name in _C_LIBRARY}
    for user in users:
        for name, wanted in elf.versions_needed(user).items():
            missing = wanted - defined.get(name, wanted)
            if missing:
                what = f"{user.name} needs {min(missing)}, which the image's {name} has not"
                raise KitError("FQ-LIBRARY", what, "an image with a newer C library, or --base=debian")


def _libraries(root: Path, places: Iterable[str]) -> dict[str, Path]:
    return {path.name: path for place in places for path in sorted((root / place).glob("*.so*"))}
