# SPDX-License-Identifier: MIT
"""Lock files can be locked by this user only, and nobody waits for one without a word or for ever."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devkit.host import file_lock
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.image import image
from devkit.lab import rundir
from tests import other_user

BUSY = KitError("FQ-BUSY", "busy", "wait")


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock as another process would: flock() is of the open file, not of the process."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = file_lock.hold(path, BUSY)
    try:
        yield
    finally:
        os.close(descriptor)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("before", [None, 0o644, 0o666, 0o600])
def test_its_mode_is_0600_whatever_it_was(before: int | None, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    if before is not None:
        path.touch()
        path.chmod(before)
    with held(path):
        assert mode(path) == 0o600


def test_one_who_waits_says_so_once_and_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with held(tmp_path / "lock"), pytest.raises(KitError) as caught:
        file_lock.hold(tmp_path / "lock", BUSY, 0.5, "Another one: waiting.")
    assert caught.value is BUSY
    assert capsys.readouterr().out == "Another one: waiting.\n"


def test_one_that_is_free_takes_no_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.close(file_lock.hold(tmp_path / "lock", BUSY, 0.5, "Another one: waiting."))
    assert capsys.readouterr().out == ""


def publish_locked() -> None:
    with image._locked():
        pass


def labs_locked() -> None:
    with rundir.locked():
        pass


def test_the_images_are_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(image, "OUT", tmp_path)
    monkeypatch.setattr(image, "_PATIENCE", 0.3)
    with held(tmp_path / ".lock"), pytest.raises(KitError) as caught:
        publish_locked()
    assert (caught.value.code, mode(tmp_path / ".lock")) == ("FQ-BUSY", 0o600)
    assert "waiting" in capsys.readouterr().out
    publish_locked()


def test_the_labs_are_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FASTQUEUE_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setattr(rundir, "_PATIENCE", 0.3)
    with held(tmp_path / "runtime/.lock"), pytest.raises(KitError) as caught:
        labs_locked()
    assert caught.value.code == "FQ-BUSY"
    assert "waiting" in capsys.readouterr().out
    labs_locked()


@other_user.needs_root
def test_another_user_cannot_lock_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="fq-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        monkeypatch.setattr(image, "OUT", place)
        publish_locked()

        def tries() -> None:
            assert list(place.iterdir()) == [place / ".lock"]
            with pytest.raises(PermissionError):
                os.close(os.open(place / ".lock", os.O_RDONLY))

        other_user.run(tries)


def test_every_lock_of_the_kit_is_one_of_these() -> None:
    """The cache waits for whole builds, with a word, in a directory that others cannot enter."""
    uses = [path for path in (PROJECT / "devkit").rglob("*.py") if "fcntl.flock" in path.read_text()]
    assert sorted(path.name for path in uses) == ["cache.py", "file_lock.py"]
