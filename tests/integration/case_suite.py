# SPDX-License-Identifier: MIT
"""Suites of cases, run in the target over the original library or over ours."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.target import kernel_modules
from devkit.target.qemu import Target

#: Network and runner of all cases.
COMMON = Path(__file__).parent / "in_target"
_TIMEOUT = 900.0

Results = dict[str, list[list[Any]]]


@dataclass(frozen=True)
class Cases:
    """Modules of ``folder`` with cases. ``inside``: a case itself is the program, or it starts others."""

    folder: Path
    modules: tuple[str, ...]
    inside: bool = True

    def names(self) -> list[str]:
        """Return the names of all cases, ``module.case``."""
        return [
            f"{module}.{node.name.removeprefix('case_')}"
            for module in self.modules
            for node in ast.parse((self.folder / f"{module}.py").read_text()).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("case_")
        ]


class Suite:
    """Runs modules of cases over one of the two paths, each once, in the folder ``place`` of the target.

    ``under`` is what a program runs under over Fast Queue, ``environment`` variables for both paths.
    """

    def __init__(
        self,
        target: Target,
        place: str,
        *suites: Cases,
        under: str = "fastqueue-run",
        environment: str = "",
    ) -> None:
        self._target = target
        self._place = place
        self._under = under
        self._environment = environment
        self._suites = {module: suite for suite in suites for module in suite.modules}
        self._results: dict[tuple[str, str], Results] = {}

    def results(self, path: str, case: str) -> list[list[Any]]:
        """Return what a case noted over ``path``, a queue module: calls and their results."""
        module = case.partition(".")[0]
        if (path, module) not in self._results:
            self._results[path, module] = self._run(path, module)
        return self._results[path, module][case]

    def _run(self, path: str, module: str) -> Results:
        kernel_modules.load_only(self._target, path)
        under = self._under if path == kernel_modules.FASTQUEUE else ""
        before = f"{self._environment} {under}" if self._suites[module].inside else f"UNDER={under}"
        command = f"cd {self._place} && {before} python3 run.py {module}"
        done = self._target.run(command, timeout=_TIMEOUT, check=False)
        assert not done.status, done.output
        found = [json.loads(line) for line in done.output.splitlines() if line.startswith('{"case"')]
        return {each["case"]: each["results"] for each in found}
