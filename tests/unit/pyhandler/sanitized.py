# SPDX-License-Identifier: MIT
"""Run Python under the address, undefined behaviour and leak sanitizers of gcc."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"
_LIBRARIES = ("libasan.so", "libubsan.so")


class Outcome(NamedTuple):
    """How a run ended; ``reports`` has what the sanitizers said, leaks included."""

    status: int
    output: str
    reports: list[str]


def run(argv: list[str], log: Path, environment: Mapping[str, str] = os.environ) -> Outcome:
    """Run ``python3 ARGV``; reports go to files that begin with ``log``, and those of UBSAN to the output."""
    done = subprocess.run(
        [sys.executable, *argv],
        env={
            **environment,
            "LD_PRELOAD": " ".join(map(_library, _LIBRARIES)),
            "ASAN_OPTIONS": f"detect_leaks=1:malloc_context_size=8:log_path={log}",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "PYTHONMALLOC": "malloc",  # each object is one allocation
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    reports = [path.read_text(errors="replace") for path in sorted(log.parent.glob(f"{log.name}.*"))]
    reports += [line for line in done.stdout.splitlines() if ": runtime error: " in line]
    return Outcome(done.returncode, done.stdout, reports)


def _library(name: str) -> str:
    """Return the path of one of the compiler's libraries."""
    argv = ["gcc", f"-print-file-name={name}"]
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
