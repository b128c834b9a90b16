# SPDX-License-Identifier: MIT
"""fastqueue.ko: the module of kmod/, built out of tree against the target's kernel."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import LOGS, OUT, PROJECT
from devkit.host.progress import stage
from devkit.image.kernel import build_in, jobs

SOURCE = PROJECT / "kmod"
#: Part of the key: raise it when this module makes something else of the same inputs.
RECIPE = "3"
#: Instrument the module, and nothing else, where the kernel can collect coverage; no effect on other kernels.
COVERAGE = ("GCOV_PROFILE=y", "KCOV_INSTRUMENT=y")


def build_module(kernel: Path, *, symbols: bool = True) -> Path:
    """Cache entry with ``fastqueue.ko`` for the kernel of cache entry ``kernel``.

    On a kernel with gcov also ``gcov``: the compiler's notes about each object, ``NAME.gcno``.
    Without ``symbols`` it is only compiled: which of them the kernel exports is not known from headers.
    KitError FQ-COMMAND, with the compiler's last lines, where it does not build.
    """

    def key() -> str:
        return cache.digest(RECIPE, kernel.name, cache.digest_tree(SOURCE))

    more = [] if symbols else ["KBUILD_MODPOST_WARN=1"]
    return cache.entry("module", key, lambda work: _make(work, kernel, more))


def _make(work: Path, kernel: Path, more: list[str]) -> None:
    log = LOGS / "module.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    with stage("module: build fastqueue.ko", log):
        source = copied(work)
        # Messages name files below kmod/, not the user's cache: the same bytes everywhere.
        names = f"KCFLAGS=-Werror -fmacro-prefix-map={work}/="
        about = json.loads((kernel / "kernel.json").read_text())
        words = [jobs(), f"M={source}", names, *COVERAGE, *_compiler(about), *more, "modules"]
        build_in(kernel / "build", log, about.get("architecture", "i386"), *words, work=work)
        built = source / "fastqueue.ko"
        # Debug sections only: the symbols are what makes an oops readable.
        run_command.run([run_command.need("strip", "binutils"), "--strip-debug", built], log=log)
        shutil.copy2(built, work / built.name)
        _keep_notes(source, work / "gcov")
        cache.remove_tree(source)


def copied(work: Path, source: Path = SOURCE) -> Path:
    """Copy the module's source into ``work``, where it is built: the checkout stays as it is."""
    copy = work / "kmod"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*"))
    return copy


def _compiler(about: Mapping[str, str]) -> list[str]:
    """Return make's word for the compiler that came with the Buildroot base's kernel, in out/.

    KitError FQ-IMAGE if it is elsewhere, as in a checkout that was moved: others may have that place by now.
    """
    prefix = about.get("cross_compile")
    if prefix is None:
        return []
    if not Path(prefix).resolve().is_relative_to(OUT.resolve()):
        what = f"the compiler of the image's kernel is not in {OUT}, but in {Path(prefix).parent}"
        raise KitError("FQ-IMAGE", what, "./inv build")
    return [f"CROSS_COMPILE={prefix}"]


def _keep_notes(source: Path, into: Path) -> None:
    """Copy what gcov needs beside the counters; there is something only on a kernel with gcov."""
    into.mkdir()
    for path in source.glob("*.gcno"):
        shutil.copy2(path, into)
