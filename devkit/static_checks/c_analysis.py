# SPDX-License-Identifier: MIT
"""Static analysis of the C code: gcc's analyzer in userspace, sparse and Coccinelle in the kernel module.

Each function returns the complaints of its tool, and "" if there are none. A result without complaints is
cached by the content of everything that it depends on, so only changed code is analysed again.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from devkit.bench.profiler import plugin
from devkit.fuzz import program as fuzz
from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.image import kernel_module, native_programs, python_extension
from devkit.image.kernel import build_environment, jobs

#: Part of the keys: raise it when the same inputs get other options.
RECIPE = "1"
#: gcc's limits are raised, or it gives up on the long functions without a word.
ANALYZER = (
    "-fanalyzer", "--param=analyzer-max-enodes-per-program-point=64",
    "--param=analyzer-bb-explosion-factor=20", "-S", "-o", "/dev/null",
)  # fmt: skip
#: Semantic patches of the kernel that look for faults which the module could have.
PATCHES = (
    "api/kfree_mismatch", "free/kfree", "free/kfreeaddr", "iterators/itnull", "iterators/list_entry_update",
    "iterators/use_after_iter", "locks/*", "misc/noderef", "null/deref_null", "null/eno", "null/kmerr",
    "tests/*",
)  # fmt: skip


class _Complaints(Exception):
    """Leaves a cache entry unmade: complaints are shown again by every run."""


def userspace(libraries: Path) -> dict[Path, tuple[str, ...]]:
    """Return the compiler and its options for the C code in each directory, as the builds have them.

    ``libraries`` is the cache entry of native.sysroot().
    """
    target = (
        run_command.need(native_programs.COMPILER, "gcc-i686-linux-gnu"),
        *native_programs.CFLAGS.split(),
    )
    common = (f"-I{_shown(native_programs.UAPI)}", f"-I{libraries / 'usr/include'}")
    return {
        native_programs.SOURCE: (
            *target,
            "-std=gnu11",
            f"-I{_shown(native_programs.SOURCE / 'libfastqueue')}",
            *common,
        ),
        python_extension.SOURCE: (*target, *python_extension.includes(libraries)),
        fuzz.SOURCE: (*target, *fuzz.WORDS, *common),
        plugin.SOURCE.parent: (run_command.need("cc", "gcc"), *plugin.CFLAGS),
    }


def gcc(libraries: Path, directories: Mapping[Path, Sequence[str]] | None = None) -> str:
    """Return the complaints of gcc's analyzer, and of its warnings, about the C code in userspace.

    It is compiled for the target, where sizes of types differ from the host's. ``directories`` as from
    userspace(), which is the default.
    """
    directories = userspace(libraries) if directories is None else directories
    packages = (libraries / "packages.json").read_text()
    headers = sorted(path for root in (*directories, native_programs.UAPI) for path in root.rglob("*.h"))

    def one(source: Path, compiler: Sequence[str], version: str) -> str:
        argv = [*compiler, *ANALYZER, str(_shown(source))]
        key = cache.digest("gcc", version, packages, *argv, cache.digest_tree(source, *headers))
        return _remembered(key, lambda _: _printed(argv))

    checks: list[Callable[[], str]] = []
    for root, compiler in directories.items():
        version = _version(compiler[0])
        checks += [partial(one, path, compiler, version) for path in sorted(root.rglob("*.c"))]
    return _each(checks)


def sparse(kernel: Path, source: Path = kernel_module.SOURCE) -> str:
    """Return what sparse complains about in the module: address spaces, byte orders, lock balance.

    ``kernel`` is the cache entry of kernel.compiled_against(). The compiler runs too, as the kernel's make
    checks what it compiles.
    """
    tool = run_command.need("sparse", "sparse")
    architecture = json.loads((kernel / "kernel.json").read_text()).get("architecture", "i386")

    def check(work: Path) -> str:
        copy = kernel_module.copied(work, source)
        objects = [path.with_suffix(".o").name for path in sorted(copy.glob("*.c"))]
        words = [
            jobs(),
            "-C",
            str(kernel / "build"),
            f"M={copy}",
            f"ARCH={architecture}",
            f"CHECK={tool}",
            "C=1",
        ]
        text = _printed([run_command.need("make", "make"), "-s", "-k", "-O", *words, *objects])
        cache.remove_tree(copy)
        return text.replace(f"{copy}/", "kmod/")

    return _remembered(cache.digest("sparse", _version(tool), kernel.name, cache.digest_tree(source)), check)


def coccinelle(patches: Path, source: Path = kernel_module.SOURCE) -> str:
    """Return what the kernel's semantic patches complain about in the module: use after free, locks, NULL.

    ``patches`` is the directory ``coccinelle`` of linux_source.checkers(). Raises KitError FQ-LINT if it has
    none for one of PATCHES.
    """
    tool = run_command.need("spatch", "coccinelle")
    words = [
        "-D",
        "report",
        "--very-quiet",
        "--no-show-diff",
        "--include-headers",
        "--dir",
        str(_shown(source)),
    ]
    found = semantic_patches(patches)

    def check(_: Path) -> str:
        argvs = ([tool, *words, "--cocci-file", str(patch)] for patch in found)
        return _each([partial(_printed, argv, errors=False) for argv in argvs])

    inputs = (cache.digest_tree(*found), cache.digest_tree(source))
    return _remembered(cache.digest("coccinelle", _version(tool), *words, *inputs), check)


def semantic_patches(patches: Path) -> list[Path]:
    """Return the files for PATCHES below ``patches``; raises KitError FQ-LINT if there is none for one."""
    found = {pattern: sorted(patches.glob(f"{pattern}.cocci")) for pattern in PATCHES}
    for pattern, paths in found.items():
        if not paths:
            what = f"the kernel's source has no semantic patch {pattern}"
            raise KitError("FQ-LINT", what, "correct PATCHES in devkit/static_checks/c_analysis.py")
    return [path for paths in found.values() for path in paths]


def _shown(path: Path) -> Path:
    """Return a path below the project, where the tools run, as a relative one: the same in any checkout."""
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path


def _version(tool: str) -> str:
    return run_command.run([tool, "--version"])


def _each(checks: Sequence[Callable[[], str]]) -> str:
    """Run the checks, as many at once as there are processors, and return their complaints in order."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return "\n".join(text for text in pool.map(lambda check: check(), checks) if text)


def _remembered(key: str, check: Callable[[Path], str]) -> str:
    """Run ``check``, with a directory to work in, unless it had no complaints for the same ``key`` before."""

    def make(work: Path) -> None:
        if text := check(work):
            raise _Complaints(text)

    try:
        cache.entry("analysis", cache.digest(RECIPE, key), make)
    except _Complaints as complaints:
        return str(complaints)
    return ""


def _printed(argv: Sequence[str], *, errors: bool = True) -> str:
    """Run a tool and return its output; its standard error only with ``errors``, or if it fails."""
    done = subprocess.run(
        argv, cwd=PROJECT, env=build_environment(), capture_output=True, text=True, errors="replace",
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    text = done.stdout + (done.stderr if errors or done.returncode else "")
    if done.returncode and not text:
        return f"exit status {done.returncode}: {' '.join(argv)}"
    return text.strip()
