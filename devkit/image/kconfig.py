# SPDX-License-Identifier: MIT
"""Configuration of the kernel, or of Buildroot: what is asked for against what became of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from devkit.host.errors import KitError

_SET = re.compile(r"((?:CONFIG|BR2)_\w+)=(.+)")
_UNSET = re.compile(r"# ((?:CONFIG|BR2)_\w+) is not set")


def options(text: str) -> dict[str, str]:
    """Options of a configuration by name, values as written; ``n`` for `is not set`."""
    found = {}
    for line in text.splitlines():
        if match := _SET.fullmatch(line.strip()):
            found[match[1]] = match[2]
        elif match := _UNSET.fullmatch(line.strip()):
            found[match[1]] = "n"
    return found


def not_taken(fragment: str, result: str) -> list[str]:
    """Requests of ``fragment`` that ``result`` does not fulfil, one line each with what it has.

    An option that the kernel does not know counts as not set.
    """
    got = options(result)
    return [
        f"{name}: asked for {wanted}, got {got.get(name, 'n')}"
        for name, wanted in options(fragment).items()
        if got.get(name, "n") != wanted
    ]


def merged(fragments: Sequence[str]) -> str:
    """One fragment out of several: of an option set more than once, the last line counts."""
    if len(fragments) == 1:
        return fragments[0]
    wanted: dict[str, str] = {}
    for fragment in fragments:
        wanted |= options(fragment)
    lines = (f"# {name} is not set" if value == "n" else f"{name}={value}" for name, value in wanted.items())
    return "".join(f"{line}\n" for line in lines)


def check(fragment: str, result: str, names: str, log: Path) -> None:
    """KitError FQ-KCONFIG that names every request of ``fragment`` that did not take.

    ``names``: the files that the requests come from; ``log``: what configuring printed.
    """
    lines = not_taken(fragment, result)
    if lines:
        raise KitError(
            "FQ-KCONFIG",
            f"{len(lines)} kernel option(s) of {names} did not take",
            "look up what they depend on (menuconfig, key /) and ask for that too, or take them out",
            log=log,
            lines=lines,
        )
