# SPDX-License-Identifier: MIT
"""User land of the Debian base: unpack i386 packages, keep what the target needs.

No maintainer script runs, so neither root nor a processor that runs i386 code is needed.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import LOGS
from devkit.host.progress import stage
from devkit.image import elf
from devkit.image.debian import list_dates, package_lists
from devkit.image.debian.apt import RELEASE, Apt, versions

#: Part of the key: raise it when this module makes something else of the same lists.
RECIPE = "2"
ARCHITECTURE = "i386"
PYTHON = "python3.11"
LIBRARIES = "usr/lib/i386-linux-gnu"
_MERGED = ("bin", "sbin", "lib")
_LISTS = ("packages.txt", "files.txt", "applets.txt")


def build_userland(fresh: bool = False) -> Path:
    """Cache entry with ``root/``, the user land, and ``packages.json``, versions by package name.

    ``fresh`` asks the mirror for newer packages. KitError: FQ-APT, FQ-MIRROR, FQ-LIBRARY,
    FQ-APPLET, FQ-COMMAND.
    """
    key = cache.digest(RECIPE, *(" ".join(package_lists.words(name)) for name in _LISTS))
    return cache.entry("userland", key, _make, fresh=fresh)


def _make(work: Path) -> None:
    log = LOGS / "userland.log"
    unpacked = work / "unpacked"
    with stage("user land: unpack Debian packages", log):
        _unpack(work, unpacked, log)
    with stage("user land: keep what the target needs"):
        root = work / "root"
        archives = sorted((unpacked / "var/cache/apt/archives").glob("*.deb"))
        _merge_usr(unpacked)
        kept = select(unpacked)
        for name in kept:
            _copy(unpacked / name, root / name)
        used = versions(archive.name for archive in archives if _files(archive) & kept)
        (work / "packages.json").write_text(json.dumps(used, indent=2) + "\n")
        _links(root)
        _compile(root, log)
    cache.remove_tree(unpacked)
    cache.remove_tree(work / "apt")


def _unpack(work: Path, into: Path, log: Path) -> None:
    apt = Apt(work / "apt", ARCHITECTURE)
    sources = apt.update()
    argv: list[str | Path] = [
        run_command.need("mmdebstrap", "mmdebstrap"), "--variant=extract", f"--architectures={ARCHITECTURE}",
        # Without root nothing is chrooted into, and as no script runs nothing needs to be.
        "--mode=root" if os.geteuid() == 0 else "--mode=chrootless",
        f"--include={','.join(package_lists.words('packages.txt'))}", f"--aptopt={apt.acquire_settings}",
        # The downloaded archives say which package a file is of, and its version.
        "--skip=cleanup/apt,check/empty", RELEASE, into, *(source.line for source in sources),
    ]  # fmt: skip
    run_command.run(argv, log=log, remedy="check the network and the mirror in /etc/apt")
    # mmdebstrap fetched the lists again: it may have got others than the kit's apt, which checked its own.
    for source in sources:
        list_dates.check_all(into / "var/lib/apt/lists", source.suite)


def _files(archive: Path) -> set[str]:
    """Paths of a package's files, as they are with bin, sbin and lib in usr."""
    listed = run_command.run(["dpkg-deb", "--contents", archive]).splitlines()
    names = (line.split(None, 5)[5].partition(" -> ")[0].removeprefix("./") for line in listed)
    return {f"usr/{name}" if name.startswith(tuple(f"{top}/" for top in _MERGED)) else name for name in names}


def _merge_usr(root: Path) -> None:
    """Move /bin, /sbin and /lib into /usr, with links left in their places."""
    for name in _MERGED:
        if (root / name).is_dir() and not (root / name).is_symlink():
            shutil.copytree(root / name, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            cache.remove_tree(root / name)
            (root / name).symlink_to(f"usr/{name}")


def select(root: Path) -> set[str]:
    """Paths of the files to keep, relative to ``root``: by the rules, and the libraries they need."""
    rules = package_lists.words("files.txt")
    every = [str(path.relative_to(root)) for path in cache.tree_files(root)]
    kept = {path for path in every if package_lists.wanted(path, rules)}
    libraries = {Path(path).name: root / path for path in every if path.startswith(f"{LIBRARIES}/lib")}
    libraries |= {"ld-linux.so.2": root / LIBRARIES / "ld-linux.so.2"}
    names = elf.closure(((root / path).resolve() for path in sorted(kept)), libraries)
    for path in [str(libraries[name].relative_to(root)) for name in names] + sorted(kept):
        kept |= {path, _target(root, path)}
    return kept | {"usr/lib/ld-linux.so.2"}


def _target(root: Path, path: str) -> str:
    """What a link of the same folder points to; the path itself where it is none."""
    if not (root / path).is_symlink():
        return path
    return str(Path(path).parent / (root / path).readlink().name)


def _copy(source: Path, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, destination, follow_symlinks=False)


def _links(root: Path) -> None:
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    # Not busybox's: its shell runs applets where a program of that name is meant (ip).
    (root / "usr/bin/sh").symlink_to("dash")
    (root / "usr/bin/python3").symlink_to(PYTHON)
    (root / "usr/bin/python").symlink_to(PYTHON)
    applets = package_lists.words("applets.txt")
    check_applets(root / "usr/bin/busybox", applets)
    for applet in applets:
        places = [root / folder / applet for folder in ("usr/bin", "usr/sbin")]
        if not any(place.exists() for place in places):
            places[0].symlink_to("busybox")
    for applet in ("init", "modprobe", "reboot"):
        # Called by these full names by the kernel and by init.
        (root / "usr/sbin" / applet).symlink_to("../bin/busybox")


def check_applets(busybox: Path, applets: list[str]) -> None:
    """KitError FQ-APPLET where the program lacks an applet: it carries their names, each ending in 0."""
    known = set(busybox.read_bytes().split(b"\0"))
    missing = [applet for applet in applets if applet.encode() not in known]
    if missing:
        what = f"Debian's busybox-static has no applet {', '.join(missing)}"
        raise KitError("FQ-APPLET", what, "take them out of devkit/image/debian/applets.txt")


def _compile(root: Path, log: Path) -> None:
    """Compile the standard library: Debian's interpreter of the host writes the same byte code."""
    compile_python(root, root / "usr/lib" / PYTHON, log)


def compile_python(root: Path, folder: Path, log: Path) -> None:
    """Put byte code beside the Python files in ``folder`` of the file system ``root``.

    The byte code is trusted without a look at the source (the root file system is read-only)
    and is the same at each build.
    """
    argv: list[str | Path] = [
        f"/usr/bin/{PYTHON}", "-I", "-m", "compileall", "-q", "-s", root, "-p", "/",
        "--invalidation-mode", "unchecked-hash", folder,
    ]  # fmt: skip
    run_command.run(argv, log=log)
