# SPDX-License-Identifier: MIT
"""The lock file: one line per package, each with a hash, and nothing of pyproject.toml missing in it."""

from __future__ import annotations

import re

import pytest

from devkit.host import requirements
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT


def item(name: str, version: str, **archive: object) -> dict[str, object]:
    return {
        "metadata": {"name": name, "version": version},
        "download_info": {"url": "https://index.example/x", "archive_info": archive},
    }


def test_lines_are_sorted_and_have_hashes_and_no_address() -> None:
    report = {"install": [item("b", "2", hashes={"sha256": "22"}), item("A", "1", hash="sha256=11")]}
    assert requirements.lines(report) == ["A==1 --hash=sha256:11", "b==2 --hash=sha256:22"]


def test_a_package_without_a_hash_is_refused() -> None:
    with pytest.raises(KitError) as caught:
        requirements.lines({"install": [item("a", "1")]})
    assert caught.value.code == "FQ-LOCK"


def test_the_lock_file_has_what_the_project_asks_for() -> None:
    locked = [line for line in requirements.LOCK.read_text().splitlines() if not line.startswith("#")]
    pattern = re.compile(r"([A-Za-z0-9._-]+)==[\w.]+ --hash=sha256:[0-9a-f]{64}")
    names = {found[1].lower() for line in locked if (found := pattern.fullmatch(line))}
    assert len(names) == len(locked)
    wanted = requirements.wanted((PROJECT / "pyproject.toml").read_text())
    assert {re.split(r"[^\w.-]", one)[0].lower() for one in wanted} <= names
