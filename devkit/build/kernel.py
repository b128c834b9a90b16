# SPDX-License-Identifier: MIT
"""Kernel of the target: Debian's linux-source, one configuration fragment, ARCH=i386."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from devkit import cache, command
from devkit.build import kconfig
from devkit.build.apt import Apt
from devkit.errors import KitError
from devkit.paths import LOGS, PROJECT
from devkit.progress import stage

FRAGMENT = PROJECT / "br2-external/board/common/linux.config"
DEFAULT_VERSION = "6.12"
#: Part of the keys: raise it when this module makes something else of the same inputs.
RECIPE = "1"


def build_environment() -> dict[str, str]:
    """Environment of kernel builds: nothing of the user's that make would listen to."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(Path.home()),
        "LC_ALL": "C.UTF-8",
        "KBUILD_BUILD_USER": "fastqueue",
        "KBUILD_BUILD_HOST": "devkit",
    }


def jobs() -> str:
    """Make's option for one job per processor that this process may use."""
    return f"-j{len(os.sched_getaffinity(0))}"


def source(version: str, fresh: bool = False) -> Path:
    """Cache entry with ``linux.tar.xz`` and ``source.json`` of Debian's linux-source-``version``.

    ``fresh`` asks the mirror for a newer one. apt checks its hash against the signed list.
    KitError FQ-SOURCE where the user's mirrors do not have it.
    """
    package = f"linux-source-{version}"

    def make(work: Path) -> None:
        log = LOGS / "linux-source.log"
        with stage(f"kernel: fetch {package}", log):
            apt = Apt(work / "apt", "amd64", log)
            apt.update()
            candidate = apt.candidate(package)
            if candidate is None:
                raise KitError(
                    "FQ-SOURCE",
                    f"no mirror of this system's apt has {package}",
                    "add the security suite (bookworm-security main) to /etc/apt, run apt-get update",
                )
            (archive,) = apt.download([package], work / "download")
            command.run(["dpkg-deb", "-x", archive, work / "unpacked"], log=log)
            (work / "unpacked/usr/src" / f"{package}.tar.xz").rename(work / "linux.tar.xz")
            description = {"package": package, "version": candidate, "sha256": cache.digest_file(archive)}
            (work / "source.json").write_text(json.dumps(description) + "\n")
            for folder in ("apt", "download", "unpacked"):
                cache.remove_tree(work / folder)

    return cache.entry("linux-source", cache.digest(RECIPE, package), make, fresh=fresh)


def kernel(version: str, fresh: bool = False) -> Path:
    """Cache entry of the built kernel.

    ``bzImage``, ``vmlinux``, ``System.map``, ``config``; ``modules/lib/modules/RELEASE``;
    ``build``: the tree for out-of-tree modules, with checkpatch; ``kernel.json``.
    KitError FQ-KCONFIG where a requested option did not take, FQ-COMMAND where it does not build.
    """
    archive = source(version, fresh)
    compiler = command.run([command.need("gcc", "gcc"), "--version"], env=build_environment())
    version_of_source = (archive / "source.json").read_text()

    def key() -> str:
        return cache.digest(RECIPE, version_of_source, FRAGMENT.read_text(), compiler)

    return cache.entry("kernel", key, lambda work: _make(work, archive))


def checkpatch(version: str = DEFAULT_VERSION) -> Path:
    """The kernel's style checker, with the word lists it reads beside it."""
    archive = source(version)

    def make(work: Path) -> None:
        with stage("lint: take checkpatch out of the kernel source"):
            names = ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch")
            members = [f"linux-source-{version}/scripts/{name}" for name in names]
            options = ["-C", str(work), "--strip-components=2"]
            command.run(["tar", "-xf", archive / "linux.tar.xz", *options, *members])

    key = cache.digest(RECIPE, (archive / "source.json").read_text())
    return cache.entry("checkpatch", key, make) / "checkpatch.pl"


def _make(work: Path, archive: Path) -> None:
    log = LOGS / "kernel.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    with stage("kernel: unpack source", log):
        command.run(["tar", "-xf", archive / "linux.tar.xz", "-C", work], log=log)
        (tree,) = work.glob("linux-source-*")
    with stage("kernel: configure", log):
        shutil.copy2(FRAGMENT, tree / ".config")
        make(tree, log, "olddefconfig")
        kconfig.check(FRAGMENT, tree / ".config")
    with stage("kernel: build (several minutes, once per configuration)", log):
        make(tree, log, jobs(), "bzImage", "modules")
    with stage("kernel: install", log):
        _install(tree, work, log)
        release = (tree / "include/config/kernel.release").read_text().strip()
        description = {"release": release, **json.loads((archive / "source.json").read_text())}
        (work / "kernel.json").write_text(json.dumps(description) + "\n")
        cache.remove_tree(tree)


def _install(tree: Path, work: Path, log: Path) -> None:
    for path in ("arch/x86/boot/bzImage", "vmlinux", "System.map"):
        shutil.copy2(tree / path, work / Path(path).name)
    shutil.copy2(tree / ".config", work / "config")
    make(tree, log, f"INSTALL_MOD_PATH={work / 'modules'}", "modules_install")
    for link in work.glob("modules/lib/modules/*/build"):
        link.unlink()
    script = f"$(srctree)/scripts/package/install-extmod-build {work / 'build'}"
    make(tree, log, "run-command", f"KBUILD_RUN_COMMAND={script}")


def make(tree: Path, log: Path, *arguments: str, work: Path | None = None) -> None:
    """Run the kernel's make for the target in ``tree``; ``work`` is the folder of another source."""
    # The time of the source, not of the build: the same input gives the same kernel.
    stamp = int((tree / "Makefile").stat().st_mtime)
    words = [f"KBUILD_BUILD_TIMESTAMP=@{stamp}", "ARCH=i386", *arguments]
    argv: list[str | Path] = [command.need("make", "make"), "-C", tree, *words]
    command.compile_with(argv, log=log, env=build_environment(), work=work or tree)
