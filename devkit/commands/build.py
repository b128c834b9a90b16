# SPDX-License-Identifier: MIT
"""Tasks about building, for tasks.py: the image, and Buildroot's own tools for that base."""

from __future__ import annotations

from typing import Any

from invoke.context import Context
from invoke.tasks import task

from devkit.commands.exit_on_error import exit_on_error

_BUILDROOT = {
    "buildroot": "folder of a Buildroot tree (default: $BUILDROOT, the cache, a clone)",
    "config": "configuration of br2-external/configs, less its _defconfig",
}
_SOURCES = {"sources": "where Buildroot's archives come from: auto, upstream, debian, or a folder"}
_CONFIG = "fastqueue_pentium3"


@task(
    help={
        "base": "where the user land comes from: auto, debian or buildroot",
        "kernel": "version of Debian's linux-source, newest, lockdep, kasan, kcsan, rt, coverage",
        "update": "ask the mirrors for newer packages than those in the cache",
        "package": "build only this package of Buildroot's, again",
        **_BUILDROOT,
        **_SOURCES,
    },
)
@exit_on_error
def build(
    ctx: Context,
    *,
    base: str = "auto",
    kernel: str = "6.12",
    update: bool = False,
    package: str = "",
    buildroot: str = "",
    config: str = _CONFIG,
    sources: str = "auto",
) -> None:
    """Build the image into out/image; only what changed since the last time is built again."""
    from devkit.commands import buildroot as buildroot_tools
    from devkit.image.base_choice import ImageOptions
    from devkit.image.image import build_image
    from devkit.image.summary import show

    if package:
        buildroot_tools.build_package(buildroot_tools.request(buildroot, config, sources), package)
    else:
        show(build_image(ImageOptions(base, buildroot, config, sources), kernel, fresh=update))


@task(help={"cache": "the cache too: the next build starts from nothing"})
@exit_on_error
def clean(ctx: Context, *, cache: bool = False) -> None:
    """Remove what was built here (out/); with --cache also ~/.cache/fastqueue."""
    from devkit.image.clean import clean as run_clean

    run_clean(cache)


@task(help=_BUILDROOT)
@exit_on_error
def menuconfig(ctx: Context, *, buildroot: str = "", config: str = _CONFIG) -> None:
    """Change a configuration of the Buildroot base in Buildroot's menus, and write its defconfig."""
    from devkit.commands import buildroot as buildroot_tools

    buildroot_tools.menuconfig(buildroot_tools.request(buildroot, config))


@task(name="legal-info", help={**_BUILDROOT, **_SOURCES})
@exit_on_error
def legal_info(ctx: Context, *, buildroot: str = "", config: str = _CONFIG, sources: str = "auto") -> None:
    """Collect licences and sources of all that the Buildroot image has in it."""
    from devkit.commands import buildroot as buildroot_tools

    buildroot_tools.legal_info(buildroot_tools.request(buildroot, config, sources))


@task(help={**_BUILDROOT, **_SOURCES})
@exit_on_error
def sbom(ctx: Context, *, buildroot: str = "", config: str = _CONFIG, sources: str = "auto") -> None:
    """Write the Buildroot image's bill of materials (CycloneDX)."""
    from devkit.commands import buildroot as buildroot_tools

    buildroot_tools.sbom(buildroot_tools.request(buildroot, config, sources))


@task(help={**_BUILDROOT, **_SOURCES, "nvd": "folder of the vulnerability database (default: cloned)"})
@exit_on_error
def cve(
    ctx: Context, *, buildroot: str = "", config: str = _CONFIG, sources: str = "auto", nvd: str = ""
) -> None:
    """List known vulnerabilities of the Buildroot image's packages."""
    from devkit.commands import buildroot as buildroot_tools

    buildroot_tools.cve(buildroot_tools.request(buildroot, config, sources), nvd)


TASKS: tuple[Any, ...] = (build, clean, menuconfig, legal_info, sbom, cve)
