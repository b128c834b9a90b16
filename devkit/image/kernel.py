# SPDX-License-Identifier: MIT
"""Kernel of the target: Debian's linux-source with the configuration of a flavour."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.paths import LOGS
from devkit.host.progress import stage
from devkit.image import kconfig
from devkit.image.kernel_flavour import Flavour
from devkit.image.linux_source import source

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


def build_kernel(flavour: Flavour, fresh: bool = False) -> Path:
    """Cache entry of the built kernel.

    ``bzImage``, ``vmlinux``, ``System.map``, ``config``; ``modules/lib/modules/RELEASE``;
    ``build``: the tree for out-of-tree modules; ``kernel.json``.
    KitError FQ-KCONFIG where a requested option did not take, FQ-COMMAND where it does not build.
    """
    archive = source(flavour.version, fresh)
    return cache.entry("kernel", lambda: _key(flavour, archive), lambda work: _make(work, archive, flavour))


def compiled_against(flavour: Flavour) -> Path:
    """Return the cache entry of the built kernel if there is one, of ``headers`` otherwise.

    For what only compiles against ``build``: it never waits for the build of a kernel.
    """
    built = cache.existing("kernel", _key(flavour, source(flavour.version)))
    return built or build_headers(flavour)


def build_headers(flavour: Flavour) -> Path:
    """Cache entry as ``kernel``'s, with ``build`` and ``kernel.json`` only.

    Enough to compile a module, in a minute and not in ten; which symbols there are it cannot tell.
    """
    archive = source(flavour.version)

    def make(work: Path) -> None:
        log = _new_log()
        tree = _configured(work, archive, flavour, log)
        with stage(f"kernel {flavour.name}: headers", log):
            build_in(tree, log, flavour.architecture, jobs(), "modules_prepare")
            _describe(work, tree, archive, flavour)
            tree.rename(work / "build")

    return cache.entry("headers", lambda: _key(flavour, archive), make)


def _key(flavour: Flavour, archive: Path) -> str:
    compiler = run_command.run([run_command.need("gcc", "gcc"), "--version"], env=build_environment())
    texts = [path.read_text() for path in flavour.files]
    return cache.digest(RECIPE, (archive / "source.json").read_text(), *texts, compiler)


def _make(work: Path, archive: Path, flavour: Flavour) -> None:
    log = _new_log()
    tree = _configured(work, archive, flavour, log)
    with stage(f"kernel {flavour.name}: build (several minutes, once per configuration)", log):
        build_in(tree, log, flavour.architecture, jobs(), "bzImage", "modules")
    with stage(f"kernel {flavour.name}: install", log):
        _install(tree, work, log, flavour.architecture)
        _describe(work, tree, archive, flavour)
        cache.remove_tree(tree)


def _new_log() -> Path:
    log = LOGS / "kernel.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    return log


def _configured(work: Path, archive: Path, flavour: Flavour, log: Path) -> Path:
    """Unpack the source into ``work`` and configure it; returns its folder."""
    with stage(f"kernel {flavour.name}: unpack source", log):
        run_command.run(["tar", "-xf", archive / "linux.tar.xz", "-C", work], log=log)
        (tree,) = work.glob("linux-source-*")
    with stage(f"kernel {flavour.name}: configure", log):
        wanted = kconfig.merged([path.read_text() for path in flavour.files])
        (tree / ".config").write_text(wanted)
        build_in(tree, log, flavour.architecture, "olddefconfig")
        names = ", ".join(path.name for path in flavour.files)
        kconfig.check(wanted, (tree / ".config").read_text(), names, log)
    return tree


def _describe(work: Path, tree: Path, archive: Path, flavour: Flavour) -> None:
    release = (tree / "include/config/kernel.release").read_text().strip()
    description = {
        "release": release,
        **json.loads((archive / "source.json").read_text()),
        "architecture": flavour.architecture,
    }
    (work / "kernel.json").write_text(json.dumps(description) + "\n")


def _install(tree: Path, work: Path, log: Path, architecture: str) -> None:
    # x86 builds its image in arch/x86/boot for both widths.
    for path in ("arch/x86/boot/bzImage", "vmlinux", "System.map"):
        shutil.copy2(tree / path, work / Path(path).name)
    shutil.copy2(tree / ".config", work / "config")
    build_in(tree, log, architecture, f"INSTALL_MOD_PATH={work / 'modules'}", "modules_install")
    for link in work.glob("modules/lib/modules/*/build"):
        link.unlink()
    install_headers(tree, work / "build", log, architecture)


def install_headers(tree: Path, into: Path, log: Path, architecture: str, *words: str) -> None:
    """Copy what a module is built with, by the kernel's own script; before 6.5 there was none.

    ``words``: what else make is told, such as the compiler that the kernel was built with.
    """
    if (tree / "scripts/package/install-extmod-build").exists():
        # With another compiler for the target the script would make the host's programs for the target.
        script = f"CC='$(HOSTCC)' $(srctree)/scripts/package/install-extmod-build {into}"
        build_in(tree, log, architecture, *words, "run-command", f"KBUILD_RUN_COMMAND={script}")
        return
    folders = ("arch/x86", "include", "scripts", "tools/include", "tools/objtool", "tools/scripts")
    sources = shutil.ignore_patterns("*.c", "*.S", "*.o", "*.a", "*.cmd", "boot", "vmlinux*")
    for folder in folders:
        ignored = shutil.ignore_patterns("*.o", "*.cmd") if folder == "scripts" else sources
        shutil.copytree(tree / folder, into / folder, symlinks=True, ignore=ignored)
    for name in ("Makefile", "Kconfig", "Kbuild", ".config", "Module.symvers"):
        shutil.copy2(tree / name, into / name)


def build_in(tree: Path, log: Path, architecture: str, *arguments: str, work: Path | None = None) -> None:
    """Run the kernel's make in ``tree``; ``work`` is the folder of another source."""
    # The time of the source, not of the build: the same input gives the same kernel.
    stamp = int((tree / "Makefile").stat().st_mtime)
    words = [f"KBUILD_BUILD_TIMESTAMP=@{stamp}", f"ARCH={architecture}", *arguments]
    argv: list[str | Path] = [run_command.need("make", "make"), "-C", tree, *words]
    run_command.compile_with(argv, log=log, env=build_environment(), work=work or tree)
