# SPDX-License-Identifier: MIT
"""A log that has a limit, and positions that stay true beyond it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.host import bounded_log


@given(st.lists(st.integers(0, 37), max_size=30), st.integers(0, 400))
def test_what_is_kept_is_the_end_and_positions_stay(sizes: list[int], since: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.log"
        writer = bounded_log.Writer(path, 10)
        whole = b""
        for size in sizes:
            data = bytes((len(whole) + at) % 251 for at in range(size))
            writer.write(data)
            whole += data
            assert bounded_log.size(path, 10) == len(whole)
            assert sum(file.stat().st_size for file in Path(folder).iterdir()) <= 20
        begin, data = bounded_log.read(path, since, 10)
        writer.close()
        assert data == whole[begin:] if data else begin == since
        assert begin == since or begin + 20 >= len(whole) > begin
        if since >= len(whole):
            assert data == b""


def test_an_older_log_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "kernel.log"
    first = bounded_log.Writer(path, 10)
    first.write(bytes(35))
    first.close()
    bounded_log.Writer(path, 10).close()
    assert bounded_log.size(path, 10) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["kernel.log"]


def test_none_there(tmp_path: Path) -> None:
    assert bounded_log.read(tmp_path / "kernel.log", 7) == (7, b"")
    assert bounded_log.size(tmp_path / "kernel.log") == 0


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("content")
    (tmp_path / "kernel.log").symlink_to("victim")
    writer = bounded_log.Writer(tmp_path / "kernel.log", 10)
    writer.write(b"x")
    writer.close()
    assert (tmp_path / "victim").read_text() == "content"


@pytest.mark.parametrize("name", ["kernel.log.x", "kernel.log.-1", "kernel.log.99999999999999999999"])
def test_other_files_are_none_of_its_parts(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    (tmp_path / "kernel.log").write_text("content")
    assert bounded_log.read(tmp_path / "kernel.log", 3) == (3, b"tent")


def test_a_file_that_cannot_be_made_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a disk is full or a process has no descriptor left for a while."""
    path = tmp_path / "kernel.log"
    writer = bounded_log.Writer(path, 10)
    writer.write(bytes(10))
    opened, renamed = Path.open, Path.rename

    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fails_at_the_second(source: Path, to: Path) -> Path:
        return fails() or source if source.name.endswith(".next") else renamed(source, to)  # type: ignore[func-returns-value]

    for name, failing in (("open", fails), ("rename", fails), ("rename", fails_at_the_second)):
        with monkeypatch.context() as context:
            context.setattr(Path, name, failing)
            with pytest.raises(OSError, match="No space"):
                writer.write(b"lost")
        assert bounded_log.size(path, 10) == 10
    assert Path.open is opened
    writer.write(b"and on, and on")
    writer.close()
    assert bounded_log.read(path, 10, 10) == (10, b"and on, and on")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["kernel.log", "kernel.log.1"]
