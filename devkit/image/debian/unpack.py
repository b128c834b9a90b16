# SPDX-License-Identifier: MIT
"""Debian's i386 packages, unpacked into a cache entry: libraries to compile against, programs to try."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.paths import LOGS
from devkit.host.progress import stage
from devkit.image.debian.apt import Apt, versions

#: Part of the keys: raise it when this module makes something else of the same packages.
RECIPE = "1"


def unpacked(kind: str, packages: Sequence[str], *, without: Sequence[str] = (), fresh: bool = False) -> Path:
    """Cache entry of ``kind`` with the files of ``packages`` (not of those that they depend on).

    ``packages.json`` has their versions. Folders ``without`` are left out; ``fresh`` asks the mirror
    for newer packages. KitError FQ-APT, FQ-MIRROR, FQ-COMMAND where they cannot be had.
    """

    def make(work: Path) -> None:
        log = LOGS / f"{kind}.log"
        with stage(f"{kind}: fetch i386 packages", log):
            apt = Apt(work / "apt", "i386", log)
            apt.update()
            archives = apt.download(list(packages), work / "download")
            for archive in archives:
                run_command.run(["dpkg-deb", "-x", archive, work], log=log)
            found = versions(archive.name for archive in archives)
            (work / "packages.json").write_text(json.dumps(found) + "\n")
            for folder in ("apt", "download", *without):
                cache.remove_tree(work / folder)

    return cache.entry(kind, cache.digest(RECIPE, *packages, "without", *without), make, fresh=fresh)
