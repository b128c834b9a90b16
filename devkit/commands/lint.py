# SPDX-License-Identifier: MIT
"""All static checks of the project: Python, shell and C code, in one run. docs/lint.md says what and why."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from devkit.host import run_command
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.host.progress import say, stage
from devkit.image import kernel_flavour, linux_source, native_programs
from devkit.image.kernel import compiled_against
from devkit.static_checks import c_analysis, import_layers

MYPY_TARGETS = ("devkit", "tasks.py", "tests/unit", "pyhandler/src", "pyhandler/examples")
#: checkpatch types that are left out, and why.
CHECKPATCH_IGNORES = {
    "FILE_PATH_CHANGES": "MAINTAINERS is a file of the kernel tree",
    "LINUX_VERSION_CODE": "an out-of-tree module builds against more than one kernel",
}


@dataclass(frozen=True)
class Check:
    """One tool over all its files."""

    name: str
    argv: tuple[str, ...]

    def complaints(self) -> str:
        """Run the tool and return its output if it fails, "" otherwise."""
        try:
            done = subprocess.run(
                self.argv, cwd=PROJECT, capture_output=True, text=True, errors="replace", check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except FileNotFoundError:
            return f"{self.argv[0]} is not installed: ./inv doctor"
        if done.returncode == 0:
            return ""
        return done.stdout + done.stderr or f"exit status {done.returncode}"


@dataclass(frozen=True)
class Analysis:
    """A check that is a function of devkit.static_checks with its inputs."""

    name: str
    complaints: Callable[[], str]


def shell_scripts(files: Iterable[Path]) -> list[Path]:
    """Those of ``files`` whose first line names a shell."""
    shells = (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash", b"#!/bin/ash")
    found = []
    for path in files:
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.readline(100).strip().startswith(shells):
                    found.append(path)
    return found


def project_files() -> list[Path]:
    """Files of the project that git knows or would add; all of them where there is no git."""
    try:
        argv = ["git", "-C", str(PROJECT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = run_command.run(argv).split("\0")
        return sorted({PROJECT / name for name in listed if name})
    except KitError:
        return sorted(path for path in PROJECT.rglob("*") if ".venv" not in path.parts)


def checks(files: Iterable[Path], checkpatch: Path) -> list[Check]:
    """The tools to run on ``files``; ``checkpatch`` is the kernel's script."""
    files = list(files)
    python = run_command.python()
    module = [
        str(path) for path in files if path.is_relative_to(PROJECT / "kmod") and path.suffix in {".c", ".h"}
    ]
    ignored = ",".join(CHECKPATCH_IGNORES)
    return [
        Check("ruff check", (*python, "-m", "ruff", "check", ".")),
        Check("ruff format", (*python, "-m", "ruff", "format", "--check", ".")),
        Check("mypy", (*python, "-m", "mypy", *MYPY_TARGETS)),
        *_mypy_of_integration_tests(python, files),
        Check("shellcheck", ("shellcheck", *map(str, shell_scripts(files)))),
        Check(
            "checkpatch",
            ("perl", str(checkpatch), "--strict", "--no-tree", "--no-summary", "--terse",
             "--ignore", ignored, "-f", *module),
        ),
    ]  # fmt: skip


#: Folders of integration tests whose files are also on the path of others: programs installed together.
_TOGETHER = {"changed": ("changed/programs",), "changed/programs": ("safety/programs",)}


def _mypy_path(folder: Path) -> str:
    tests = PROJECT / "tests/integration"
    others = _TOGETHER.get(str(folder.relative_to(tests)), ())
    return ":".join(map(str, (folder, folder.parent, *(tests / other for other in others))))


def _mypy_of_integration_tests(python: list[str], files: Iterable[Path]) -> list[Check]:
    """One run a folder: pytest puts each on the path, so names of modules are only unique in one."""
    tests = PROJECT / "tests/integration"
    by_folder: dict[Path, list[str]] = {}
    for path in files:
        if path.is_relative_to(tests) and path.suffix == ".py" and path.exists():
            by_folder.setdefault(path.parent, []).append(str(path))
    return [
        Check(
            f"mypy {folder.relative_to(PROJECT)}",
            ("env", f"MYPYPATH={_mypy_path(folder)}", *python, "-m", "mypy",
             "--cache-dir", f".mypy_cache/{folder.name}", *paths),
        )
        for folder, paths in by_folder.items()
    ]  # fmt: skip


def analyses(libraries: Path, kernel: Path, patches: Path) -> list[Analysis]:
    """Return the analyses of the C code; the inputs are those of ``devkit.static_checks.c_analysis``."""
    return [
        Analysis("gcc -fanalyzer", partial(c_analysis.gcc, libraries)),
        Analysis("sparse", partial(c_analysis.sparse, kernel)),
        Analysis("coccinelle", partial(c_analysis.coccinelle, patches)),
    ]


def lint() -> None:
    """Run all checks and show the complaints of each. Raises KitError FQ-LINT if there are any."""
    checkers = linux_source.checkers()
    kernel = compiled_against(kernel_flavour.flavour(kernel_flavour.DEFAULT))
    plan: list[Check | Analysis] = [
        *analyses(native_programs.sysroot(), kernel, checkers / "coccinelle"),
        Analysis("import layers", import_layers.complaints),
        *checks(project_files(), checkers / "checkpatch.pl"),
    ]
    with stage("lint"), ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda check: check.complaints(), plan))
    failed = []
    for check, complaints in zip(plan, found, strict=True):
        say(f"{'✗' if complaints else '✓'} {check.name}")
        if complaints:
            failed.append(check.name)
            say(complaints.rstrip())
    if failed:
        raise KitError("FQ-LINT", f"complaints of {', '.join(failed)}", "see above; ruff format . formats")
