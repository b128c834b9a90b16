# SPDX-License-Identifier: MIT
"""Which base an image is built on, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devkit.host.errors import KitError
from devkit.image.buildroot import config, tree
from devkit.image.kernel_flavour import DEFAULT, Flavour

BASES = ("auto", "buildroot", "debian")


@dataclass(frozen=True)
class ImageOptions:
    """What the user said of the base.

    name:      auto, buildroot or debian
    buildroot: folder of a Buildroot tree, or nothing
    config:    configuration of br2-external/configs, less its _defconfig
    sources:   where Buildroot's archives come from: auto, upstream, debian or a folder
    """

    name: str = "auto"
    buildroot: str = ""
    config: str = config.DEFAULT
    sources: str = "auto"

    @property
    def of_buildroot(self) -> list[str]:
        """Options that were given and say something of the Buildroot base only."""
        given = {
            "--buildroot": self.buildroot != "",
            "--config": self.config != config.DEFAULT,
            "--sources": self.sources != "auto",
        }
        return [option for option, is_given in given.items() if is_given]

    @property
    def folder(self) -> str:
        """Folder in out/ that the image goes to: the base that is not the default has its own."""
        return "image-buildroot" if self.name == "buildroot" else "image"


@dataclass(frozen=True)
class Base:
    """A base, why it was chosen, and the Buildroot tree for that one."""

    name: str
    reason: str
    tree: Path | None = None


def choose(wish: ImageOptions, flavour: Flavour) -> Base:
    """Base for ``wish`` and a kernel.

    auto takes Buildroot where a tree is there or can be cloned. KitError FQ-BASE for another word and for
    words about Buildroot where the base is another, FQ-BUILDROOT for a tree or configuration that is none,
    and for kernels that the Buildroot base does not have.
    """
    check_name(wish.name)
    config.defconfig(wish.config)
    base = _chosen(wish, flavour)
    if base.tree is None and wish.of_buildroot:
        what = f"{' and '.join(wish.of_buildroot)} cannot be had: the base is {base.name} ({base.reason})"
        raise KitError("FQ-BASE", what, "--base=buildroot, or leave them out", status=2)
    return base


def check_name(name: str) -> None:
    """KitError FQ-BASE where there is no base ``name``."""
    if name not in BASES:
        raise KitError("FQ-BASE", f"there is no base {name!r}", f"one of {', '.join(BASES)}", status=2)


def _chosen(wish: ImageOptions, flavour: Flavour) -> Base:
    if wish.name == "debian":
        return Base("debian", "asked for")
    if flavour.name != DEFAULT:
        if wish.name == "buildroot":
            what = f"the Buildroot base has the kernel {DEFAULT} only, not {flavour.name}"
            raise KitError("FQ-BUILDROOT", what, "--base=debian builds the others", status=2)
        return Base("debian", f"it has the kernel {flavour.name}")
    found = (tree.find if wish.name == "buildroot" else tree.find_optional)(wish.buildroot)
    if found.tree is None:
        return Base("debian", found.reason)
    return Base("buildroot", found.reason, found.tree)
