# SPDX-License-Identifier: MIT
"""Packages of PyPI, pinned by their hashes: sources for the target, and tools that translate them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from devkit import command

_NETWORK = "PyPI must be reachable once"


def sources(work: Path, requirement: str, log: Path) -> Path:
    """Fetch and unpack a package's source below ``work``; return its folder.

    ``requirement``: ``NAME==VERSION --hash=sha256:...``. KitError FQ-COMMAND where it cannot be had.
    """
    name = requirement.partition("==")[0]
    fetched = work / f"{name}-download"
    # Not --no-binary :all:, which has pip build its build tools from their sources too.
    _pip(work, requirement, ["download", "--no-deps", "--no-binary", name, "--dest", str(fetched)], log)
    (archive,) = fetched.iterdir()
    shutil.unpack_archive(archive, work / f"{name}-source")
    shutil.rmtree(fetched)
    (found,) = (work / f"{name}-source").iterdir()
    return found


def tool(work: Path, folder: Path, requirement: str, log: Path) -> None:
    """Install a package for this machine into ``folder``, for a PYTHONPATH; FQ-COMMAND."""
    name = requirement.partition("==")[0]
    words = ["install", "--no-deps", "--only-binary", name, "--target", str(folder), "--upgrade"]
    _pip(work, requirement, words, log)


def _pip(work: Path, requirement: str, words: list[str], log: Path) -> None:
    """Have pip do ``words`` with one requirement, whose hash it checks."""
    pinned = work / "requirement.txt"
    pinned.write_text(f"{requirement}\n")
    argv = [sys.executable, "-m", "pip", *words, "--require-hashes", "-r", str(pinned)]
    command.run(argv, log=log, remedy=_NETWORK)
