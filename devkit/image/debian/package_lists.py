# SPDX-License-Identifier: MIT
"""The readable lists beside this module: packages, files, applets of the Debian base."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

FOLDER = Path(__file__).parent


def words(name: str) -> list[str]:
    """All words of list ``name`` (``packages.txt``), comments left out, in the list's order."""
    lines = (FOLDER / name).read_text().splitlines()
    return [word for line in lines for word in line.partition("#")[0].split()]


def wanted(path: str, rules: Iterable[str]) -> bool:
    """Whether ``path`` is kept: the last matching rule says so, ``!`` in front of it says no."""
    keep = False
    for rule in rules:
        if fnmatchcase(path, rule.removeprefix("!")):
            keep = not rule.startswith("!")
    return keep
