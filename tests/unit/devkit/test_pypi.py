# SPDX-License-Identifier: MIT
"""What pip is asked for: one package, by its hash, and nothing that it depends on."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from devkit import command
from devkit.build import pypi

_REQUIREMENT = "thing==1.0 --hash=sha256:00"


class FakePip:
    """Notes the words that pip gets, and the requirement; puts an archive where it is told to."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.requirement = ""

    def run(self, argv: list[str], **_: object) -> str:
        assert argv[1:3] == ["-m", "pip"]
        self.words = argv[3:]
        self.requirement = Path(argv[-1]).read_text()
        if "--dest" in argv:
            self._archive(Path(argv[argv.index("--dest") + 1]))
        return ""

    def _archive(self, folder: Path) -> None:
        folder.mkdir()
        inside = folder.parent / "thing-1.0"
        inside.mkdir()
        (inside / "setup.py").write_text("")
        with tarfile.open(folder / "thing-1.0.tar.gz", "w:gz") as archive:
            archive.add(inside, "thing-1.0")


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> FakePip:
    fake = FakePip()
    monkeypatch.setattr(command, "run", fake.run)
    return fake


def test_sources_are_unpacked(pip: FakePip, tmp_path: Path) -> None:
    found = pypi.sources(tmp_path, _REQUIREMENT, tmp_path / "log")
    assert (found / "setup.py").is_file()
    assert {"download", "--no-deps", "--require-hashes"} <= set(pip.words)
    assert pip.words[pip.words.index("--no-binary") + 1] == "thing"
    assert pip.requirement == f"{_REQUIREMENT}\n"


def test_tools_are_installed_as_they_come(pip: FakePip, tmp_path: Path) -> None:
    pypi.tool(tmp_path, tmp_path / "tools", _REQUIREMENT, tmp_path / "log")
    assert {"install", "--no-deps", "--require-hashes"} <= set(pip.words)
    assert pip.words[pip.words.index("--target") + 1] == str(tmp_path / "tools")
    assert pip.words[pip.words.index("--only-binary") + 1] == "thing"
