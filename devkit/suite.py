# SPDX-License-Identifier: MIT
"""The test suite: unit tests first, then those that boot targets."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from devkit.errors import KitError
from devkit.paths import PROJECT
from devkit.progress import say

#: What pytest answers where a selection (-k, -m) leaves no test of a folder.
NOTHING_SELECTED = 5


def plan(only: str | None, expression: str | None, arguments: Sequence[str]) -> list[list[str]]:
    """Command lines of pytest, in order.

    only: unit, integration or None for both; expression: pytest's -k; arguments: passed on as
    they are. With a path among them there is one run, of just that.
    """
    paths = [word for word in arguments if (PROJECT / word.split("::")[0]).exists()]
    folders = [] if paths else [f"tests/{part}" for part in ("unit", "integration") if only in {None, part}]
    selection = ["-k", expression] if expression else []
    base = [sys.executable, "-m", "pytest", *selection, *arguments]
    return [[*base, folder] for folder in folders] or [base]


def run_tests(only: str | None = None, expression: str | None = None, arguments: Sequence[str] = ()) -> None:
    """Run the suite; KitError FQ-TEST, with pytest's exit status, where a test fails.

    Integration tests are left out where unit tests fail: they would say the same, later.
    """
    started = time.monotonic()
    statuses = []
    for argv in plan(only, expression, arguments):
        status = subprocess.run(argv, cwd=PROJECT, check=False).returncode
        statuses.append(status)
        if status not in {0, NOTHING_SELECTED}:
            raise KitError("FQ-TEST", f"pytest ended with status {status}", "see above", status=status)
    if all(status == NOTHING_SELECTED for status in statuses):
        raise KitError("FQ-TEST", "no test was selected", "./inv test without -k runs all", status=5)
    say(f"✓ tests  {time.monotonic() - started:.0f} s")
