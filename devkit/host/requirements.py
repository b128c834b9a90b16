# SPDX-License-Identifier: MIT
"""requirements.txt: every Python package of the kit's environment, with its version and its SHA-256.

``./inv`` installs what the file says and nothing else. ``./inv lock`` resolves pyproject.toml anew, with
pip's own configuration, and writes the file; what changed is then reviewed and committed like any source.
"""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devkit.host import atomic_file, run_command
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.host.progress import say, stage

LOCK = PROJECT / "requirements.txt"
_HEAD = """\
# SPDX-License-Identifier: MIT
# Written by ./inv lock from pyproject.toml. pip compares each hash before it unpacks a package.
"""


def wanted(pyproject: str) -> list[str]:
    """Return the requirements of the kit, its tests and its build backend, from pyproject.toml."""
    table = tomllib.loads(pyproject)
    project = table["project"]
    return [
        *table["build-system"]["requires"],
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]


def lines(report: Mapping[str, Any]) -> list[str]:
    """Return the lines of the lock file for pip's installation report; KitError FQ-LOCK without a hash."""
    found = {}
    for item in report["install"]:
        name, version = item["metadata"]["name"], item["metadata"]["version"]
        archive = item["download_info"].get("archive_info", {})
        digest = archive.get("hashes", {}).get("sha256") or archive.get("hash", "").removeprefix("sha256=")
        if not digest:
            what = f"the package index has no SHA-256 of {name} {version}"
            raise KitError("FQ-LOCK", what, "use an index that has hashes (pip config)")
        found[name.lower()] = f"{name}=={version} --hash=sha256:{digest}"
    return [found[name] for name in sorted(found)]


def lock(path: Path = LOCK) -> None:
    """Resolve the requirements and write the lock file; KitError FQ-COMMAND where pip fails, FQ-LOCK."""
    with tempfile.TemporaryDirectory() as folder, stage("resolve the Python packages"):
        report = Path(folder) / "report.json"
        words = ["--quiet", "--disable-pip-version-check", "--dry-run", "--ignore-installed"]
        # Wheels only: the metadata of a source comes from its build backend, which would have to run.
        words += ["--only-binary", ":all:", "--report", str(report)]
        argv = run_command.python(
            "-m", "pip", "install", *words, *wanted((PROJECT / "pyproject.toml").read_text())
        )
        run_command.run(
            argv, cwd=Path(folder), remedy="check the network and pip's configuration (pip config list)"
        )
        text = _HEAD + "".join(f"{line}\n" for line in lines(json.loads(report.read_text())))
    changed = not path.exists() or path.read_text() != text
    atomic_file.write_text(path, text)
    say(f"{path}: {'changed: read the differences before you commit it' if changed else 'as it was'}")
