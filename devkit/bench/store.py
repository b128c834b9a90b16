# SPDX-License-Identifier: MIT
"""bench.json: every raw figure, written as it comes, so that an interrupted run goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from devkit.errors import KitError
from devkit.paths import OUT
from devkit.report import write_json

FORMAT = 1
FOLDER = OUT / "bench"
DEFAULT = FOLDER / "bench.json"


class Store:
    """Results by key: ``cost/fastqueue-c/udp-1400``. Every ``add`` reaches the disk."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self.path = path
        self.content = content

    @classmethod
    def opened(cls, path: Path, identity: dict[str, Any], surroundings: dict[str, Any]) -> Store:
        """Go on with an unfinished file of the same ``identity``, or begin a new one.

        What was there before is kept beside it as ``NAME.previous.json``.
        """
        old = _read_or_none(path)
        if old is not None and old.get("identity") == identity and not old.get("complete"):
            return cls(path, old)
        if old is not None:
            path.replace(path.with_suffix(".previous.json"))
        content = {
            "format": FORMAT,
            "identity": identity,
            "surroundings": surroundings,
            "complete": False,
            "results": {},
        }
        return cls(path, content)

    @property
    def results(self) -> dict[str, Any]:
        """What was measured so far, by key."""
        found: dict[str, Any] = self.content["results"]
        return found

    def add(self, key: str, result: dict[str, Any]) -> None:
        """Keep one result."""
        self.results[key] = result
        write_json(self.path, self.content)

    def finish(self) -> None:
        """Say that nothing is missing."""
        self.content["complete"] = True
        write_json(self.path, self.content)


def load(path: Path) -> dict[str, Any]:
    """Return a finished or unfinished file; KitError FQ-BENCH where it is none."""
    content = _read_or_none(path)
    if content is None or content.get("format") != FORMAT:
        what = f"{path} has no figures of ./inv bench in this version's format"
        raise KitError("FQ-BENCH", what, "give a bench.json that this version of the kit wrote")
    return content


def _read_or_none(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
