# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest

from devkit.host import paths


def test_folders_named_relatively_stay_where_they_were_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("FASTQUEUE_RUNTIME", "run")
    found = paths.cache_dir(), paths.runtime_dir()
    assert found == (tmp_path / "cache/fastqueue", tmp_path / "run")


def test_an_empty_word_names_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("FASTQUEUE_RUNTIME", "")
    assert tmp_path not in {*paths.cache_dir().parents, *paths.runtime_dir().parents, paths.runtime_dir()}
