# SPDX-License-Identifier: MIT
"""Where Buildroot's archives come from: their own sites, a Debian mirror, or a folder."""

from __future__ import annotations

import http.client
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.image import kernel_flavour, linux_source
from devkit.image.buildroot import archives, toolchain

#: Buildroot's own mirror, which has every archive of a release.
PROBE = "https://sources.buildroot.net/"
#: Seconds that it has for an answer.
PATIENCE = 8
SOURCES = ("auto", "upstream", "debian")


@dataclass(frozen=True)
class Sources:
    """Lines for the configuration, why, and a key of all that they stand for."""

    name: str
    reason: str
    changes: str = ""
    key: str = ""


def choose(wish: str, tree: Path, fresh: bool = False) -> Sources:
    """What ``wish`` (auto, upstream, debian or a folder) comes to.

    auto takes the archives' own sites if Buildroot's mirror answers, else Debian's. KitError FQ-ARGUMENT
    for another word, and those of ``archives`` and ``toolchain``.
    """
    if wish == "upstream":
        return Sources("upstream", "asked for")
    if wish == "debian":
        return _debian(tree, "asked for", fresh)
    if wish == "auto":
        if answers():
            return Sources("upstream", "Buildroot's mirror answers")
        return _debian(tree, "Buildroot's mirror does not answer", fresh)
    folder = Path(wish).expanduser()
    if not folder.is_dir():
        what = f"there is no folder {wish!r} of archives"
        raise KitError("FQ-ARGUMENT", what, f"one of {', '.join(SOURCES)}, or a folder", status=2)
    return Sources("folder", "asked for", _from_folder(folder.resolve()), str(folder.resolve()))


def answers() -> bool:
    """Whether Buildroot's mirror can be reached, asked for a few seconds only."""
    try:
        with urllib.request.urlopen(urllib.request.Request(PROBE, method="HEAD"), timeout=PATIENCE):
            return True
    except (OSError, http.client.HTTPException):  # what is no HTTP at all, from a gateway, included
        return False


def _from_folder(folder: Path) -> str:
    """A download folder of Buildroot's (dl/) from a machine that reached everything."""
    return f'BR2_PRIMARY_SITE="file://{folder}"\nBR2_PRIMARY_SITE_ONLY=y\n'


def _debian(tree: Path, reason: str, fresh: bool) -> Sources:
    for tool in ("fakeroot", "patchelf"):
        run_command.need(tool, tool)
    compiler = toolchain.toolchain()
    folder = archives.archives(tree, fresh)
    linux = linux_source.source(kernel_flavour.DEFAULT)
    values = {
        "TOOLCHAIN": str(compiler),
        "GCC": toolchain.version(),
        "HEADERS": toolchain.headers().replace(".", "_"),
        "ARCHIVES": str(folder),
        "LINUX": f"{archives.linux_name(linux)}.tar.xz",
    }
    text = (archives.FOLDER / "offline.config").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return Sources("debian", reason, text, cache.digest(compiler.name, folder.name))
