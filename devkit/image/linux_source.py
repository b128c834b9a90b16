# SPDX-License-Identifier: MIT
"""Source of the kernel: Debian's linux-source packages, and what is taken out of them as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import LOGS
from devkit.host.progress import say, stage
from devkit.image import kernel_flavour
from devkit.image.debian.apt import NEWER_SUITES, Apt

#: Part of the keys: raise it when this module makes something else of the same inputs.
RECIPE = "1"
_NAME = re.compile(r"linux-source-(\d+)\.(\d+)")


def source(version: str, fresh: bool = False) -> Path:
    """Cache entry with ``linux.tar.xz`` and ``source.json`` of Debian's linux-source-``version``.

    ``version`` newest: the greatest that any suite has, now or when it was first asked for.
    ``fresh`` asks the mirror again. apt checks hashes against the signed lists.
    KitError FQ-SOURCE where the user's mirrors do not have it.
    """
    key = cache.digest(RECIPE, f"linux-source-{version}")
    return cache.entry("linux-source", key, lambda work: _fetch(work, version), fresh=fresh)


def newest(names: Iterable[str]) -> str | None:
    """Greatest linux-source package among ``names``, by version; None where there is none."""
    found = [(int(match[1]), int(match[2]), name) for name in names if (match := _NAME.fullmatch(name))]
    return max(found)[2] if found else None


def checkers(version: str = kernel_flavour.DEFAULT) -> Path:
    """Return a cache entry with what the kernel's source has to check code.

    ``checkpatch.pl``, with the word lists it reads beside it, and ``coccinelle``, a tree of semantic patches.
    """
    archive = source(version)

    def make(work: Path) -> None:
        with stage("lint: take checkpatch and the semantic patches out of the kernel source"):
            names = ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch", "coccinelle")
            members = [f"linux-source-{version}/scripts/{name}" for name in names]
            options = ["-C", str(work), "--strip-components=2"]
            run_command.run(["tar", "-xf", archive / "linux.tar.xz", *options, *members])

    key = cache.digest(RECIPE, (archive / "source.json").read_text())
    return cache.entry("checkers", key, make)


def _fetch(work: Path, version: str) -> None:
    log = LOGS / "linux-source.log"
    with stage(f"kernel: fetch linux-source-{version}", log):
        apt = Apt(work / "apt", "amd64", log, NEWER_SUITES if version == kernel_flavour.NEWEST else ())
        apt.update()
        package = (
            newest(apt.names("linux-source-"))
            if version == kernel_flavour.NEWEST
            else f"linux-source-{version}"
        )
        candidate = apt.candidate(package) if package else None
        if package is None or candidate is None:
            raise KitError(
                "FQ-SOURCE",
                f"no mirror of this system's apt has linux-source-{version}",
                "add the security suite (bookworm-security main) to /etc/apt, run apt-get update",
            )
        (archive,) = apt.download([package], work / "download")
        run_command.run(["dpkg-deb", "-x", archive, work / "unpacked"], log=log)
        (work / "unpacked/usr/src" / f"{package}.tar.xz").rename(work / "linux.tar.xz")
        description = {"package": package, "version": candidate, "sha256": cache.digest_file(archive)}
        (work / "source.json").write_text(json.dumps(description) + "\n")
        for folder in ("apt", "download", "unpacked"):
            cache.remove_tree(work / folder)
    if version == kernel_flavour.NEWEST:
        say(f"  newest: {package}")
