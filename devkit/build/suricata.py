# SPDX-License-Identifier: MIT
"""The disk with Suricata: Debian's i386 package and the libraries that the image lacks, in a squashfs.

The package is the release's backports', in the version that they have when the disk is made. On the
disk is nothing of the kit's but a script that says where the libraries are.

The image's guard against instructions that a Pentium III lacks is not asked: cryptography and pattern
matching come with variants for newer processors, 400,000 such instructions, and choose by CPUID. QEMU's
Pentium III has none of them, so that the tests in it find what does not choose.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from devkit import cache, command
from devkit.build import elf, lists, squashfs
from devkit.build.apt import RELEASE, Apt, versions
from devkit.build.userland import ARCHITECTURE, LIBRARIES, userland
from devkit.errors import KitError
from devkit.paths import LOGS
from devkit.progress import stage

SUITE = f"{RELEASE}-backports"
#: Where the target has the disk mounted, and the program on it.
PLACE = "/mnt"
PROGRAM = f"{PLACE}/bin/suricata"
#: Part of the key: raise it when this module makes something else of the same lists.
RECIPE = "1"

_PACKAGES, _FILES = "suricata-packages.txt", "suricata-files.txt"
_SCRIPT = f"""#!/bin/sh
# Suricata as Debian has it, with the libraries beside it.
LD_LIBRARY_PATH={PLACE}/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}} exec {PLACE}/usr/bin/suricata "$@"
"""


def disk() -> Path:
    """Cache entry with ``suricata.squashfs`` and ``packages.json``, versions by package name.

    KitError: FQ-APT, FQ-MIRROR, FQ-SURICATA where the
    mirror has no Suricata, FQ-LIBRARY, FQ-COMMAND.
    """
    base = userland()
    words = (" ".join(lists.words(name)) for name in (_PACKAGES, _FILES))
    key = cache.digest(RECIPE, _SCRIPT, (base / "packages.json").read_text(), *words)
    return cache.entry("suricata", key, lambda work: _make(work, base / "root"))


def image() -> Path:
    """Return the file to attach."""
    return disk() / "suricata.squashfs"


def _make(work: Path, base: Path) -> None:
    log = LOGS / "suricata.log"
    unpacked, root = work / "unpacked", work / "root"
    with stage("Suricata: fetch and unpack Debian packages", log):
        archives = _download(work, log)
        unpacked.mkdir()
        for archive in archives:
            command.run(["dpkg-deb", "-x", archive, unpacked], log=log)
        (work / "packages.json").write_text(json.dumps(versions(one.name for one in archives), indent=2))
    with stage("Suricata: keep what the image lacks", log):
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
    for folder in ("apt", "unpacked", "root"):
        cache.remove_tree(work / folder)


def _download(work: Path, log: Path) -> list[Path]:
    apt = Apt(work / "apt", ARCHITECTURE, log, more_suites=(SUITE,))
    apt.update()
    packages = lists.words(_PACKAGES)
    for package in packages:
        if apt.candidate(package) is None:
            what = f"the mirror has no {package} for {ARCHITECTURE} in {SUITE}"
            raise KitError("FQ-SURICATA", what, "name a mirror that has it in /etc/apt/sources.list", log=log)
    return apt.download_whole(packages, SUITE)


def selected(unpacked: Path, base: Path) -> dict[str, Path]:
    """Files by their paths on the disk: those of the list, and in lib what they need and the image lacks."""
    rules = lists.words(_FILES)
    every = {str(path.relative_to(unpacked)): path for path in cache.tree_files(unpacked)}
    kept = {name: path for name, path in every.items() if lists.wanted(name, rules)}
    libraries = {path.name: path for path in sorted(_libraries(unpacked)) + sorted(_libraries(base))}
    libraries["ld-linux.so.2"] = base / LIBRARIES / "ld-linux.so.2"
    needed = sorted(elf.closure(kept.values(), libraries))
    lacking = (name for name in needed if libraries[name].is_relative_to(unpacked))
    return kept | {f"lib/{name}": libraries[name] for name in lacking}


def _libraries(root: Path) -> list[Path]:
    return [
        path for folder in ("lib", "usr/lib") for path in (root / folder / "i386-linux-gnu").glob("*.so*")
    ]
