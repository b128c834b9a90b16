# SPDX-License-Identifier: MIT
"""bench.json: every raw figure, written as it comes, so that an interrupted run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from devkit.host import atomic_file
from devkit.host.errors import KitError
from devkit.host.paths import OUT
from devkit.host.progress import say

#: Goes up when results of the same name mean something else.
FORMAT = 2
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

        What was there before, damaged too, is kept beside it: ``NAME.previous.json``, then
        ``NAME.previous-2.json`` and so on.
        """
        old = _read_or_none(path)
        if old is not None and _fits(old) and old.get("identity") == identity and not old.get("complete"):
            return cls(path, old)
        if path.exists():
            aside = next(name for name in _names_aside(path) if not name.exists())
            path.replace(aside)
            say(f"the run before is kept as {aside}")
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
        self._write()

    def finish(self) -> None:
        """Say that nothing is missing."""
        self.content["complete"] = True
        self._write()

    def _write(self) -> None:
        """Write the whole file or none: a line for each result, and the rest in one."""
        rest = {name: value for name, value in self.content.items() if name != "results"}
        lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in self.results.items())
        head, body = json.dumps(rest)[:-1], ",\n".join(lines)
        atomic_file.write_text(self.path, f'{head}, "results": {{\n{body}\n}}}}\n')


def load(path: Path) -> dict[str, Any]:
    """Return a finished or unfinished file; KitError FQ-BENCH where it is none."""
    content = _read_or_none(path)
    if content is None or "format" not in content:
        raise KitError("FQ-BENCH", f"{path} has no figures of ./inv bench", "give a bench.json that it wrote")
    if not _fits(content):
        what = f"{path} has figures in format {content['format']}, this version of the kit reads {FORMAT}"
        raise KitError("FQ-BENCH", what, "compare with a run of this version, or with the kit that wrote it")
    return content


def _names_aside(path: Path) -> Iterator[Path]:
    yield path.with_suffix(".previous.json")
    yield from (path.with_suffix(f".previous-{number}.json") for number in count(2))


def _fits(content: dict[str, Any]) -> bool:
    """Whether this version of the kit can read it."""
    return content.get("format") == FORMAT and isinstance(content.get("results"), dict)


def _read_or_none(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
