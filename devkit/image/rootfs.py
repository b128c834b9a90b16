# SPDX-License-Identifier: MIT
"""Root file system of the target: user land, overlay, modules, handler, programs, in a squashfs."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.paths import LOGS, PROJECT
from devkit.host.progress import stage
from devkit.image import instruction_audit, squashfs
from devkit.image.debian.userland import compile_python

OVERLAY = PROJECT / "br2-external/board/common/rootfs-overlay"
HANDLER = PROJECT / "pyhandler/src"
PYTHON_PACKAGES = "usr/lib/python3/dist-packages"
#: Where a read-only root file system needs a folder to mount on.
MOUNT_POINTS = ("dev", "proc", "sys", "run", "tmp", "var", "root", "mnt", "data")
#: Part of the key: raise it when this module makes something else of the same inputs.
RECIPE = "3"


@dataclass(frozen=True)
class Parts:
    """Cache entries that a root file system is put together from."""

    userland: Path
    kernel: Path
    module: Path
    native: Path

    @property
    def key(self) -> str:
        """Key of the root file system made of these parts, the overlay and the handler."""
        # The user land has a name by its lists, and another content after an update.
        packages = (self.userland / "packages.json").read_text()
        names = (self.userland.name, self.kernel.name, self.module.name, self.native.name)
        return cache.digest(RECIPE, packages, *names, cache.digest_tree(OVERLAY, HANDLER))


def build_rootfs(parts: Parts) -> Path:
    """Cache entry with ``rootfs.squashfs``, the same bytes for the same parts."""
    return cache.entry("rootfs", lambda: parts.key, lambda work: _make(work, parts))


def _make(work: Path, parts: Parts) -> None:
    log = LOGS / "rootfs.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    root = work / "root"
    with stage("root file system: put together", log):
        for source in (parts.userland / "root", parts.kernel / "modules", parts.native / "root", OVERLAY):
            _merge(source, root)
        _merge(HANDLER, root / PYTHON_PACKAGES)
        compile_python(root, root / PYTHON_PACKAGES, log)
        _install_module(root, parts, log)
        for folder in MOUNT_POINTS:
            (root / folder).mkdir(exist_ok=True)
        _normalise(root)
    with stage("root file system: look for instructions that a Pentium III lacks", log):
        _guard(root, parts)
    with stage("root file system: pack", log):
        squashfs.pack(root, work / "rootfs.squashfs", log)
    cache.remove_tree(root)


def _merge(source: Path, root: Path) -> None:
    """Copy the tree ``source`` into ``root``, where bin, sbin and lib may be links into usr."""
    for path in cache.tree_files(source, byte_code=True):
        destination = root / path.relative_to(source)
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.unlink(missing_ok=True)
        shutil.copy2(path, destination, follow_symlinks=False)


def _install_module(root: Path, parts: Parts, log: Path) -> None:
    (release,) = [path.name for path in (root / "lib/modules").iterdir()]
    extra = root / "lib/modules" / release / "extra"
    extra.mkdir()
    shutil.copy2(parts.module / "fastqueue.ko", extra)
    depmod = run_command.need("depmod", "kmod")
    run_command.run([depmod, "-b", root, "-F", parts.kernel / "System.map", release], log=log)


def _normalise(root: Path) -> None:
    """Give files the modes that the target needs, whatever the user's umask was."""
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in files):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _guard(root: Path, parts: Parts) -> None:
    """Check all programs, and kernel and modules where they are for such a processor; FQ-ISA."""
    files = [(str(path.relative_to(root)), path) for path in cache.tree_files(root)]
    about = json.loads((parts.kernel / "kernel.json").read_text())
    if about.get("architecture", "i386") == "i386":
        files.append(("vmlinux", parts.kernel / "vmlinux"))
    else:
        files = [(name, path) for name, path in files if path.suffix != ".ko"]
    instruction_audit.check(files)
