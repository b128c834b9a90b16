# SPDX-License-Identifier: MIT
"""Cases: functions of ``programs/``, which run in the target and assert there."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from target_programs import install

from devkit.target import kernel_modules
from devkit.target.qemu import Target

PROGRAMS = Path(__file__).parent / "programs"
PLACE = "/run/safety"
_SEED = os.environ.get("FASTQUEUE_SEED", "1")
_SOAK = int(os.environ.get("FASTQUEUE_SOAK", "60000"))  # packets
_TIMEOUT = 280 + _SOAK / 1000  # s for the cases of one module


def names(module: str) -> list[str]:
    """Return the cases of a program: its public functions without parameters."""
    tree = ast.parse((PROGRAMS / f"{module}.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if not node.name.startswith("_") and not node.args.args]


def each(module: str) -> list[Any]:
    """Return parameters for a test of each case of a program."""
    return [pytest.param(name, marks=pytest.mark.case(f"{module}.{name}")) for name in names(module)]


class Runner:
    """Runs cases in the target, all that were selected of one module at a time."""

    def __init__(self, target: Target, selected: Iterable[str]) -> None:
        self._target = target
        self._selected = list(dict.fromkeys(selected))
        self._results: dict[str, dict[str, Any]] = {}
        # Before 6.4 a busy kernel leaves what a loopback sends to its softirq thread, and drops what is over.
        target.run("echo 4096 >/proc/sys/net/core/netdev_max_backlog")
        install(target, PLACE, PROGRAMS)

    def check(self, name: str) -> None:
        """Fail unless the case holds, and left the module free; the kernel has not complained meanwhile."""
        if name not in self._results:
            module = name.partition(".")[0]
            self._run([each for each in self._selected if each.partition(".")[0] == module])
        found = self._results[name]
        print(found["output"])  # figures of a long case, for pytest -rA
        assert found["passed"], f"{name}, seed {_SEED}, status {found['status']}:\n{found['output']}"

    def _run(self, chosen: Sequence[str]) -> None:
        kernel_modules.load_only(self._target, kernel_modules.FASTQUEUE)
        mark = self._target.log.mark()
        command = ["env", f"FASTQUEUE_SOAK={_SOAK}", "python3", f"{PLACE}/run.py", _SEED, *chosen]
        done = self._target.run(command, timeout=_TIMEOUT, check=False)
        for line in done.output.splitlines():
            if line.startswith("{"):
                found = json.loads(line)
                self._results[found["case"]] = found
        missing = set(chosen) - set(self._results)
        assert not missing, f"{missing} did not run:\n{done.output}"
        complaints = self._target.log.complaints(mark)
        assert not complaints, "\n".join(complaints)
