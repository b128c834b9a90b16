# SPDX-License-Identifier: MIT
"""Packages of the Python index, pinned by hash: sources for the target, and tools that translate them."""

from __future__ import annotations

import shutil
from pathlib import Path

from devkit.host import run_command
from devkit.image import package_index

_NETWORK = "the Python package index must be reachable once"


def sources(work: Path, requirement: str) -> Path:
    """Fetch a package's source and, once its hash is right, unpack it below ``work``; return its folder.

    ``requirement``: ``NAME==VERSION --hash=sha256:...``. KitError FQ-DOWNLOAD where it cannot be had.
    """
    pinned, _, digest = requirement.partition(" --hash=sha256:")
    name, _, version = pinned.partition("==")
    fetched = work / f"{name}-download"
    archive = package_index.fetch(
        name, lambda link: package_index.is_source(link, name, version), digest, fetched
    )
    shutil.unpack_archive(archive, work / f"{name}-source")
    shutil.rmtree(fetched)
    (found,) = (work / f"{name}-source").iterdir()
    return found


def tool(work: Path, folder: Path, requirement: str, log: Path) -> None:
    """Install a package for this machine into ``folder``, for a PYTHONPATH; FQ-COMMAND.

    A wheel, which has no build backend; pip compares its hash before it unpacks it.
    """
    pinned = work / "requirement.txt"
    pinned.write_text(f"{requirement}\n")
    words = ["install", "--no-deps", "--only-binary", ":all:", "--target", str(folder), "--upgrade"]
    argv = run_command.python("-m", "pip", *words, "--require-hashes", "-r", pinned)
    run_command.run(argv, log=log, remedy=_NETWORK)
