# SPDX-License-Identifier: MIT
"""Packages unpacked into the cache: their files, their versions, and what is left out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from devkit.image.debian import unpack as module
from devkit.image.debian.unpack import unpacked

_CONTROL = (
    "Package: {name}\nVersion: 1.5-2\nArchitecture: all\nMaintainer: nobody <n@example.org>\nDescription: x\n"
)


class FakeApt:
    """Makes a package with two files instead of a download."""

    downloads = 0

    def __init__(self, directory: Path, architecture: str, log: Path) -> None:
        directory.mkdir()

    def update(self) -> None:
        pass

    def download(self, packages: list[str], into: Path) -> list[Path]:
        FakeApt.downloads += 1
        return [_package(name, into) for name in packages]


def _package(name: str, into: Path) -> Path:
    tree = into / name
    for file in ("DEBIAN/control", f"usr/bin/{name}", f"usr/share/doc/{name}/text"):
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        (tree / file).write_text(_CONTROL.format(name=name))
    archive = into / f"{name}_1.5-2_i386.deb"
    subprocess.run(["dpkg-deb", "-b", tree, archive], check=True, capture_output=True)
    return archive


@pytest.fixture(autouse=True)
def _apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "Apt", FakeApt)
    monkeypatch.setattr(module, "LOGS", tmp_path / "logs")
    FakeApt.downloads = 0


def test_files_and_versions_are_there() -> None:
    entry = unpacked("things", ["one", "two"])
    assert (entry / "usr/bin/one").is_file()
    assert (entry / "usr/share/doc/two/text").is_file()
    assert json.loads((entry / "packages.json").read_text()) == {"one": "1.5-2", "two": "1.5-2"}
    assert not (entry / "download").exists()


def test_folders_are_left_out() -> None:
    entry = unpacked("things", ["one"], without=["usr/share"])
    assert (entry / "usr/bin/one").is_file()
    assert not (entry / "usr/share").exists()


def test_other_folders_left_out_are_another_entry() -> None:
    assert unpacked("things", ["one"], without=["usr/share"]) != unpacked("things", ["one"])


def test_the_same_is_fetched_once_unless_it_is_to_be_fresh() -> None:
    unpacked("things", ["one"])
    unpacked("things", ["one"])
    assert FakeApt.downloads == 1
    unpacked("things", ["one"], fresh=True)
    assert FakeApt.downloads == 2
