# SPDX-License-Identifier: MIT
"""The suite of calls, run in the target over the original library or over ours."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from target_programs import install

from devkit import modules
from devkit.target import Target

PROGRAMS = Path(__file__).parent / "programs"
#: Modules of programs/ with cases.
SUITE = ("handles", "packets", "verdicts", "descriptors", "threads", "netlink")
_PLACE = "/run/compat"
_TIMEOUT = 900.0

Results = dict[str, list[list[Any]]]


def cases() -> list[str]:
    """Return the names of all cases, ``module.case``."""
    return [
        f"{module}.{node.name.removeprefix('case_')}"
        for module in SUITE
        for node in ast.parse((PROGRAMS / f"{module}.py").read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("case_")
    ]


class Suite:
    """Runs modules of cases over one of the two paths, each once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._results: dict[tuple[str, str], Results] = {}
        install(target, PROGRAMS, _PLACE)

    def results(self, path: str, case: str) -> list[list[Any]]:
        """Return what a case noted over ``path``, a queue module: calls and their results."""
        module = case.partition(".")[0]
        if (path, module) not in self._results:
            self._results[path, module] = self._run(path, module)
        return self._results[path, module][case]

    def _run(self, path: str, module: str) -> Results:
        modules.only(self._target, path)
        under = "fastqueue-run " if path == modules.FASTQUEUE else ""
        command = f"cd {_PLACE} && {under}python3 run.py {module}"
        done = self._target.run(command, timeout=_TIMEOUT, check=False)
        assert not done.status, done.output
        found = [json.loads(line) for line in done.output.splitlines() if line.startswith('{"case"')]
        return {each["case"]: each["results"] for each in found}
