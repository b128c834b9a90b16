# SPDX-License-Identifier: MIT
"""A file is the old one or the new one, never a part of either; so are those that are committed."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from devkit.fuzz import fuzzer as fuzz
from devkit.host import atomic_file, requirements, run_command
from devkit.target.qemu import Target


def test_a_new_file_and_another_content(tmp_path: Path) -> None:
    atomic_file.write_text(tmp_path / "file", "é")
    assert (tmp_path / "file").read_bytes() == "é".encode()
    (tmp_path / "file").chmod(0o640)
    atomic_file.write_bytes(tmp_path / "file", b"\0")
    assert (tmp_path / "file").read_bytes() == b"\0"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_where_it_fails_the_old_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        atomic_file.write_text(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def kept(path: Path, change: Callable[[], object]) -> bool:
    """Whether one who has ``path`` open sees the old content through ``change``."""
    path.write_text("old")
    with path.open() as file:
        change()
        assert path.read_text() != "old"
        return file.read() == "old"


def test_the_lock_file_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pip(argv: list[str], **_: object) -> str:
        Path(argv[argv.index("--report") + 1]).write_text(json.dumps({"install": []}))
        return ""

    monkeypatch.setattr(run_command, "run", pip)
    assert kept(tmp_path / "requirements.txt", lambda: requirements.lock(tmp_path / "requirements.txt"))


def test_the_corpus_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Guest:
        def get(self, *_: object) -> bytes:
            return b"open\n"

    monkeypatch.setattr(fuzz, "CORPUS", tmp_path / "corpus.txt")
    summary = '{"runs": 1, "corpus": 1, "edges": 1, "blocks": 1}\n'
    monkeypatch.setattr(fuzz, "_run", lambda *_: summary)
    assert kept(tmp_path / "corpus.txt", lambda: fuzz._rounds(cast("Target", Guest()), 0, 1))
