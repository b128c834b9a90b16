# SPDX-License-Identifier: MIT
"""What pip is asked for: one wheel, by its hash, and nothing that it depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.host import run_command
from devkit.image import pypi

_REQUIREMENT = "thing==1.0 --hash=sha256:00"


def test_tools_are_installed_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(run_command, "run", lambda argv, **_: asked.append(argv))
    pypi.tool(tmp_path, tmp_path / "tools", _REQUIREMENT, tmp_path / "log")
    (argv,) = asked
    assert argv[1:4] == ["-P", "-m", "pip"]
    assert {"install", "--no-deps", "--require-hashes"} <= set(argv)
    assert argv[argv.index("--target") + 1] == str(tmp_path / "tools")
    assert argv[argv.index("--only-binary") + 1] == ":all:"
    assert Path(argv[-1]).read_text() == f"{_REQUIREMENT}\n"
