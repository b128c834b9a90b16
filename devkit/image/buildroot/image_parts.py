# SPDX-License-Identifier: MIT
"""An image's parts by Buildroot: user land, kernel, module, handler and programs in one build."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.file_lock import hold
from devkit.host.paths import OUT, PROJECT
from devkit.host.progress import say, stage
from devkit.image import instruction_audit, kconfig
from devkit.image.buildroot import config, make, sources, tree
from devkit.image.kernel import install_headers
from devkit.image.kernel_flavour import DEFAULT, flavour

#: Part of the key: raise it when this module makes something else of the same inputs.
RECIPE = "3"
#: Of the project what Buildroot builds from.
INPUTS = tuple(PROJECT / name for name in ("br2-external", "kmod", "native", "pyhandler", "LICENSES"))
#: Packages whose sources are the project's: Buildroot does not see that they changed.
OURS = {"fastqueue-kmod": "kmod", "fastqueue-native": "native", "python-fastqueue": "pyhandler"}
#: Tools of the host that Buildroot asks for, and their Debian packages.
TOOLS = {
    "bc": "bc", "cpio": "cpio", "file": "file", "g++": "g++", "patch": "patch",
    "perl": "perl", "rsync": "rsync", "unzip": "unzip", "wget": "wget",
}  # fmt: skip


@dataclass(frozen=True)
class BuildrootRequest:
    """A Buildroot tree, one of our configurations, and where archives come from."""

    tree: Path
    name: str = config.DEFAULT
    sources: str = "auto"
    fresh: bool = False


def place(request: BuildrootRequest) -> make.Place:
    """Where the request is built: a folder of its own in out/, kept for the next time."""
    return make.Place(request.tree, OUT / "buildroot" / request.name)


def built(request: BuildrootRequest) -> Path:
    """Cache entry with all that an image takes, in the shape of a kernel's and a root file system's.

    KitError: FQ-BRCONFIG, FQ-COMMAND, FQ-KCONFIG, FQ-ISA, FQ-SOURCE.
    """
    chosen = sources.choose(request.sources, request.tree, request.fresh)
    say(f"buildroot: archives from {chosen.name} ({chosen.reason})")

    def key() -> str:
        inputs = cache.digest_tree(*INPUTS)
        commit = tree.commit(request.tree) or tree.COMMIT
        pins = (tree.TAG, commit, request.name, chosen.name, chosen.key, str(PROJECT))
        return cache.digest(RECIPE, inputs, *pins)

    found = cache.entry("buildroot-image", key, lambda work: _make(work, request, chosen))
    tree.remember(request.tree)
    return found


@contextmanager
def alone(where: make.Place) -> Iterator[None]:
    """Hold the right to work in a place; KitError FQ-BUSY where another process has it."""
    where.output.mkdir(parents=True, exist_ok=True)
    busy = KitError("FQ-BUSY", f"another build works in {where.output}", "wait for it")
    descriptor = hold(where.output.parent / f".{where.output.name}.lock", busy)
    try:
        yield
    finally:
        os.close(descriptor)


def configured(request: BuildrootRequest, chosen: sources.Sources) -> make.Place:
    """Have the place configured for the request."""
    for tool, package in TOOLS.items():
        run_command.need(tool, package)
    where = place(request)
    with stage(f"buildroot: configure {request.name}", where.log):
        config.configure(where, request.name, chosen.changes)
    return where


def _make(work: Path, request: BuildrootRequest, chosen: sources.Sources) -> None:
    where = place(request)
    where.log.parent.mkdir(parents=True, exist_ok=True)
    where.log.write_text("")
    with alone(where):
        configured(request, chosen)
        with stage(f"buildroot: build {request.name} (from nothing a quarter of an hour or more)", where.log):
            _renew(where)
            make.build(where)
        with stage("buildroot: take the results", where.log):
            _take(work, where)
    with stage("buildroot: look for instructions that a Pentium III lacks", where.log):
        _guard(where, work)


def _renew(where: make.Place) -> None:
    """Build again what the project changed: Buildroot copies local sources once.

    The kernel's configuration and the overlay are looked at each time anyhow.
    """
    stamp = where.output / "inputs.json"
    packages = config.EXTERNAL / "package"
    now = {
        "linux": cache.digest_tree(*flavour(DEFAULT).files),
        "busybox": cache.digest_tree(config.EXTERNAL / "board/common/busybox.fragment"),
        **{name: cache.digest_tree(PROJECT / folder, packages / name) for name, folder in OURS.items()},
    }
    # The programs include the module's header, and the module is built against the kernel.
    now["fastqueue-native"] = cache.digest(now["fastqueue-native"], now["fastqueue-kmod"])
    now["fastqueue-kmod"] = cache.digest(now["fastqueue-kmod"], now["linux"])
    before = json.loads(stamp.read_text()) if stamp.exists() else {}
    changed = [name for name in now if name in before and before[name] != now[name]]
    for name in changed:
        step = "reconfigure" if name in {"linux", "busybox"} else "rebuild"
        make.run(where, f"{name}-{step}")
    stamp.write_text(json.dumps(now) + "\n")


def _take(work: Path, where: make.Place) -> None:
    images, target = where.output / "images", where.output / "target"
    (linux,) = (
        path for path in (where.output / "build").glob("linux-[0-9c]*") if (path / "vmlinux").exists()
    )
    for path in (images / "bzImage", images / "rootfs.squashfs", linux / "vmlinux", linux / "System.map"):
        shutil.copy2(path, work / path.name)
    shutil.copy2(linux / ".config", work / "config")
    wanted = "".join(path.read_text() for path in flavour(DEFAULT).files)
    kconfig.check(wanted, (work / "config").read_text(), "linux.config", where.log)
    release = (linux / "include/config/kernel.release").read_text().strip()
    modules = target / "lib/modules" / release
    shutil.copytree(modules, work / "modules/lib/modules" / release, symlinks=True)
    shutil.copy2(modules / "extra/fastqueue.ko", work)
    cross = _ask(where, "printvars", "VARS=TARGET_CROSS").partition("=")[2].strip()
    install_headers(linux, work / "build", where.log, "i386", f"CROSS_COMPILE={cross}")
    (headers,) = where.output.glob("host/*/sysroot/usr/include/python3.*")
    shutil.copytree(headers, work / "include" / headers.name)
    packages = _packages(where)
    # Of an archive that is no release of kernel.org, Buildroot knows no version.
    if packages["linux"] == "custom":
        packages["linux"] = release
    about = {
        "release": release,
        "version": packages["linux"],
        "architecture": "i386",
        "cross_compile": cross,
    }
    (work / "kernel.json").write_text(json.dumps(about) + "\n")
    (work / "packages.json").write_text(json.dumps(packages, indent=2) + "\n")


def _ask(where: make.Place, *targets: str) -> str:
    return run_command.run(make.words(where, "-s", "--no-print-directory", *targets), env=make.environment())


def _packages(where: make.Place) -> dict[str, str]:
    """Versions of the target's packages, by Buildroot's own account."""
    info = json.loads(_ask(where, "show-info"))
    versions = {name: one.get("version", "") for name, one in info.items() if one.get("type") == "target"}
    return {name: version for name, version in sorted(versions.items()) if version}


def _guard(where: make.Place, work: Path) -> None:
    target = where.output / "target"
    files = [(str(path.relative_to(target)), path) for path in cache.tree_files(target)]
    instruction_audit.check([*files, ("vmlinux", work / "vmlinux")])
