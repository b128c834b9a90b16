# SPDX-License-Identifier: MIT
"""Buildroot's configuration: a defconfig of br2-external, with what the source of archives changes."""

from __future__ import annotations

from pathlib import Path

from devkit.host import cache
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.host.progress import say
from devkit.image import kconfig
from devkit.image.buildroot import make

EXTERNAL = PROJECT / "br2-external"
CONFIGS = EXTERNAL / "configs"
DEFAULT = "fastqueue_pentium3"


def defconfig(name: str) -> Path:
    """File of a configuration of ours; KitError FQ-BUILDROOT says which there are."""
    path = CONFIGS / f"{name}_defconfig"
    if not path.exists():
        names = ", ".join(sorted(one.name.removesuffix("_defconfig") for one in CONFIGS.iterdir()))
        raise KitError("FQ-BUILDROOT", f"there is no configuration {name!r}", f"one of {names}", status=2)
    return path


def configure(place: make.Place, name: str, changes: str = "") -> None:
    """Make .config of defconfig ``name`` with the lines ``changes`` on top.

    KitError FQ-BRCONFIG names what did not take. Nothing is touched where the configuration is the same
    as the last time: Buildroot would look at every package again.
    """
    wanted = defconfig(name).read_text()
    text = kconfig.merged([wanted, changes]) if changes else wanted
    asked = place.output / "defconfig"
    _clear_stale(place, text)
    if (place.output / ".config").exists() and asked.exists() and asked.read_text() == text:
        return
    asked.write_text(text)
    make.run(place, f"BR2_DEFCONFIG={asked}", "defconfig")
    result = (place.output / ".config").read_text()
    _check(text, result, place, f"{name}_defconfig")
    if not changes:
        _round_trip(place, wanted, name)


def _clear_stale(place: make.Place, text: str) -> None:
    """Remove a build that was begun in another place or with another toolchain.

    Its programs have absolute paths to both and would run what is there now: nothing, or what somebody else
    put there. Buildroot itself rebuilds nothing if the toolchain changes.
    """
    toolchain = [line for line in text.splitlines() if line.startswith("BR2_TOOLCHAIN_")]
    begun = "\n".join([str(place.output), *toolchain, ""])
    stamp = place.output / "begun-with"
    if place.output.exists() and (not stamp.exists() or stamp.read_text() != begun):
        if (place.output / ".config").exists():
            say(f"buildroot: {place.output} is of another place or toolchain: building from nothing")
        cache.remove_tree(place.output)
    place.output.mkdir(parents=True, exist_ok=True)
    stamp.write_text(begun)


def _check(wanted: str, result: str, place: make.Place, name: str) -> None:
    lines = kconfig.not_taken(wanted, result)
    if lines:
        (place.output / "defconfig").unlink()
        what = f"{len(lines)} option(s) of {name} did not take"
        remedy = (
            "look up what they depend on (./inv menuconfig, key /) and ask for that too, or take them out"
        )
        raise KitError("FQ-BRCONFIG", what, remedy, log=place.log, lines=lines)


def saved(place: make.Place) -> str:
    """What ``make savedefconfig`` makes of the present configuration."""
    path = place.output / "savedefconfig"
    make.run(place, f"BR2_DEFCONFIG={path}", "savedefconfig")
    return path.read_text()


def _round_trip(place: make.Place, wanted: str, name: str) -> None:
    """The file is what Buildroot itself would write: no line that says nothing, none out of order."""
    written = saved(place).splitlines()
    if written == wanted.splitlines():
        return
    (place.output / "defconfig").unlink()
    lines = [line for line in wanted.splitlines() if line not in written]
    what = f"{name}_defconfig is not what savedefconfig writes"
    remedy = f"cp {place.output / 'savedefconfig'} {defconfig(name)}"
    raise KitError("FQ-BRCONFIG", what, remedy, log=place.log, lines=lines)
