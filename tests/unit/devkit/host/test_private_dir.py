# SPDX-License-Identifier: MIT
"""Directories that other users could have made, changed or exchanged are refused, and links not followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devkit.host import file_lock, private_dir
from devkit.host.errors import KitError
from tests import other_user


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def refused(path: Path, word: str) -> None:
    with pytest.raises(PermissionError, match=word):
        private_dir.open_checked(path)
    assert not private_dir.is_ours(path)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_it_is_made_for_this_user_alone(tmp_path: Path, open_umask: None) -> None:
    os.close(private_dir.make(tmp_path / "above/mine"))
    assert (mode(tmp_path / "above"), mode(tmp_path / "above/mine")) == (0o700, 0o700)
    assert private_dir.is_ours(tmp_path / "above/mine")


@pytest.mark.parametrize("open_to", [0o777, 0o770, 0o720, 0o702, 0o755, 0o701])
def test_open_to_others(open_to: int, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    mine.chmod(open_to)
    refused(mine, "open to other users")


def test_readable_ones_of_ours_can_be_tightened_and_writable_ones_not(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    mine.chmod(0o755)
    os.close(private_dir.make(mine, tighten=True))
    assert mode(mine) == 0o700
    mine.chmod(0o775)
    with pytest.raises(PermissionError):
        private_dir.make(mine, tighten=True)
    assert mode(mine) == 0o775


def test_a_link_and_a_file_are_not_directories(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch(mode=0o600)
    refused(tmp_path / "link", "link")
    refused(tmp_path / "file", "link or not a directory")
    refused(tmp_path / "link/mine", "link")


def test_a_directory_above_that_others_can_change(tmp_path: Path) -> None:
    above = tmp_path / "above"
    os.close(private_dir.make(above / "mine"))
    above.chmod(0o777)
    refused(above / "mine", "which other users may change")
    above.chmod(0o1777)
    assert private_dir.is_ours(above / "mine")


def test_none_there(tmp_path: Path) -> None:
    private_dir.check(tmp_path / "none")
    assert not private_dir.is_ours(tmp_path / "none")


@other_user.needs_root
def test_another_users_directory(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o700)
    os.chown(mine, other_user.UID, other_user.UID)
    refused(mine, "belongs to the user")
    inner = mine / "inner"
    inner.mkdir(mode=0o700)
    refused(inner, "which belongs to the user")


def tree(place: Path) -> Path:
    (place / "inner").mkdir(parents=True)
    (place / "inner/file").touch()
    (place / "inner/link").symlink_to("nowhere")
    return place


def test_a_tree_that_others_may_read(tmp_path: Path) -> None:
    private_dir.check_tree(tree(tmp_path / "tree"))


@pytest.mark.parametrize("name", [".", "inner", "inner/file"])
@pytest.mark.parametrize("open_to", [0o777, 0o757, 0o1777])
def test_a_tree_that_others_could_change(open_to: int, name: str, tmp_path: Path) -> None:
    changed = tree(tmp_path / "tree") / name
    changed.chmod(open_to)
    with pytest.raises(PermissionError, match="can be written to by other users") as caught:
        private_dir.check_tree(tmp_path / "tree")
    assert caught.value.filename == str(changed)


@other_user.needs_root
def test_a_tree_that_a_group_could_change(tmp_path: Path) -> None:
    """This user's own group, as adduser makes it, has nobody else in it."""
    inner = tree(tmp_path / "tree") / "inner"
    inner.chmod(0o775)
    private_dir.check_tree(tmp_path / "tree")
    os.chown(inner, 0, other_user.UID)
    with pytest.raises(PermissionError, match="can be written to by other users"):
        private_dir.check_tree(tmp_path / "tree")


def test_a_tree_that_others_could_exchange(tmp_path: Path) -> None:
    place = tree(tmp_path / "above/tree")
    (tmp_path / "above").chmod(0o777)
    with pytest.raises(PermissionError, match="which other users may change"):
        private_dir.check_tree(place)


@other_user.needs_root
@pytest.mark.parametrize("name", [".", "inner", "inner/file", "inner/link"])
def test_a_tree_of_another_user(name: str, tmp_path: Path) -> None:
    place = tree(tmp_path / "tree")
    os.chown(place / name, other_user.UID, other_user.UID, follow_symlinks=False)
    with pytest.raises(PermissionError, match="belongs to the user"):
        private_dir.check_tree(place)


def test_a_tree_is_no_link(tmp_path: Path) -> None:
    tree(tmp_path / "tree")
    (tmp_path / "link").symlink_to("tree")
    for place in (tmp_path / "link", tmp_path / "link/inner", tmp_path / "tree/inner/file"):
        with pytest.raises(PermissionError, match="link"):
            private_dir.check_tree(place)


def test_no_tree_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        private_dir.check_tree(tmp_path / "none")


def test_only_known_files_are_removed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "control.sock").touch()
    (tmp_path / "two/thesis.tex").touch()
    for name in ("one", "two", "three"):
        private_dir.remove(tmp_path / name, (".sock",))
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "two",
        "two/thesis.tex",
    ]


@pytest.mark.parametrize("which", ["itself", "above"])
def test_nothing_behind_a_link_is_removed(which: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "lab").mkdir(parents=True)
    (kept / "lab/x.sock").touch()
    link = tmp_path / "link"
    link.symlink_to(kept / "lab" if which == "itself" else kept)
    private_dir.remove(link if which == "itself" else link / "lab", (".sock",))
    assert (kept / "lab/x.sock").exists()
    assert link.is_symlink()


def holding(path: Path) -> Callable[[], object]:
    return lambda: os.close(file_lock.hold(path, KitError("FQ-BUSY", "busy", "wait")))


def test_a_lock_is_a_file_and_no_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("victim")
    with pytest.raises(OSError, match="symbolic"):
        holding(tmp_path / "link")()
    assert not (tmp_path / "victim").exists()
    holding(tmp_path / "lock")()
    assert mode(tmp_path / "lock") == 0o600


@other_user.needs_root
def test_a_lock_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    os.chown(tmp_path / "lock", other_user.UID, other_user.UID)
    with pytest.raises(PermissionError, match="not a file of this user"):
        holding(tmp_path / "lock")()
