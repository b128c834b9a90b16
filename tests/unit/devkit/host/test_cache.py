# SPDX-License-Identifier: MIT
"""The cache: what is there whole is used, all else is made once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devkit.host import cache
from devkit.host.errors import KitError
from tests import other_user


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fastqueue"


class Maker:
    """Makes an entry of two files, counting how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, work: Path) -> None:
        self.calls += 1
        (work / "folder").mkdir()
        (work / "folder/data").write_text("content")
        (work / "link").symlink_to("folder/data")


def test_second_request_is_answered_from_the_cache() -> None:
    make = Maker()
    first = cache.entry("kind", "key", make)
    assert cache.entry("kind", "key", make) == first
    assert (first / "folder/data").read_text() == "content"
    assert make.calls == 1


@pytest.mark.parametrize("damage", ["missing file", "short file", "no manifest", "broken manifest", "a list"])
def test_damaged_entry_is_made_again(damage: str) -> None:
    make = Maker()
    place = cache.entry("kind", "key", make)
    manifest = place / cache.MANIFEST
    match damage:
        case "missing file":
            (place / "folder/data").unlink()
        case "short file":
            (place / "folder/data").write_text("cont")
        case "no manifest":
            manifest.unlink()
        case "broken manifest":
            manifest.write_text(manifest.read_text()[:10])
        case "a list":
            manifest.write_text(json.dumps(["folder/data"]))
    cache.entry("kind", "key", make)
    assert make.calls == 2
    assert (place / "folder/data").read_text() == "content"


def test_failure_leaves_nothing(place: Path) -> None:
    def fail(work: Path) -> None:
        (work / "half").write_text("x")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cache.entry("kind", "key", fail)
    assert [path.name for path in (place / "kind").iterdir()] == [".key.lock"]


def test_leftovers_of_a_killed_builder_are_replaced(place: Path) -> None:
    work = place / "kind/.key.work"
    work.mkdir(parents=True)
    (work / "half").write_text("x")
    entry = cache.entry("kind", "key", Maker())
    assert not (entry / "half").exists()
    assert not work.exists()


def test_fresh_makes_it_again() -> None:
    make = Maker()
    cache.entry("kind", "key", make)
    cache.entry("kind", "key", make, fresh=True)
    assert make.calls == 2


def test_inputs_edited_while_building_are_built_again(place: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("old")
    made = []

    def make(work: Path) -> None:
        made.append(source.read_text())
        (work / "data").write_text(source.read_text())
        source.write_text("new")

    entry = cache.entry("kind", lambda: cache.digest(source.read_text()), make)
    assert made == ["old", "new"]
    assert entry.name == cache.digest("new")
    assert not (place / "kind" / cache.digest("old")).exists()


_BUILDER = """
import sys, time
from pathlib import Path
from devkit.host import cache
def make(work):
    with open(sys.argv[1], "a") as log: log.write("made\\n")
    time.sleep(0.3)
    (work / "data").write_text("content")
assert (cache.entry("kind", "key", make) / "data").read_text() == "content"
"""


def test_two_builders_make_it_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    argv = [sys.executable, "-c", _BUILDER, str(log)]
    builders = [subprocess.Popen(argv, env=dict(os.environ), stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [builder.wait(30) for builder in builders] == [0, 0, 0]
    assert log.read_text() == "made\n"


def test_prune_keeps_the_latest_and_the_recent(place: Path) -> None:
    old = time.time() - 10 * cache.DAY
    for number in range(4):
        entry = cache.entry("kind", f"key{number}", Maker())
        os.utime(entry, (old + number, old + number))
    recent = cache.entry("kind", "recent", Maker())
    gone = cache.prune("kind", keep=2)
    assert {path.name for path in gone} == {"key0", "key1", "key2"}
    assert recent.exists()
    assert sorted(path.name for path in (place / "kind").iterdir()) == [
        ".key3.lock", ".recent.lock", "key3", "recent",
    ]  # fmt: skip


def test_prune_removes_what_dead_builders_left_and_spares_the_living(place: Path) -> None:
    def make(work: Path) -> None:
        assert cache.prune("kind", keep=0, older_than=0) == []
        (work / "data").write_text("content")

    dead = place / "kind/.dead.work"
    dead.mkdir(parents=True)
    assert (cache.entry("kind", "key", make) / "data").exists()
    assert not dead.exists()


def test_digest_sees_moved_borders() -> None:
    assert cache.digest("ab", "c") != cache.digest("a", "bc")
    assert cache.digest("ab") == cache.digest(b"ab")


def test_digest_of_a_tree(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "link").symlink_to("a")
    seen = {cache.digest_tree(tmp_path)}

    def changed() -> bool:
        key = cache.digest_tree(tmp_path)
        new = key not in seen
        seen.add(key)
        return new

    (tmp_path / "x.pyc").write_text("byte code")
    (tmp_path / "empty").mkdir()
    assert not changed()
    (tmp_path / "a").write_text("2")
    assert changed()
    (tmp_path / "a").chmod(0o755)
    assert changed()
    (tmp_path / "a").rename(tmp_path / "b")
    assert changed()
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("b")
    assert changed()


def test_a_tree_without_write_permission_can_be_removed(tmp_path: Path) -> None:
    folder = tmp_path / "top/locked"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    folder.chmod(0o500)
    cache.remove_tree(tmp_path / "top")
    assert not (tmp_path / "top").exists()


def refused() -> None:
    with pytest.raises(KitError) as caught:
        cache.entry("kind", "key", Maker())
    assert caught.value.code == "FQ-CACHE"
    assert "XDG_CACHE_HOME" in caught.value.remedy


def test_it_is_private_whatever_the_umask(place: Path) -> None:
    before = os.umask(0)
    try:
        entry = cache.entry("kind", "key", Maker())
    finally:
        os.umask(before)
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o755)
    assert cache.entry("kind", "key", Maker()) == entry
    assert place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("open_to", [0o777, 0o775, 0o702])
def test_one_that_others_can_write_to_is_refused(open_to: int, place: Path) -> None:
    cache.entry("kind", "key", Maker())
    place.chmod(open_to)
    refused()
    with pytest.raises(KitError):
        cache.prune("kind", keep=0, older_than=0)
    assert (place / "kind/key").exists()


def test_a_link_in_its_place_is_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    place.symlink_to("elsewhere")
    refused()


@other_user.needs_root
def test_another_users_entries_are_never_taken(place: Path) -> None:
    made = cache.entry("kind", "key", Maker())
    (made / "folder/data").write_text("planted")
    for path in (place, *place.rglob("*")):
        os.chown(path, other_user.UID, other_user.UID, follow_symlinks=False)
    refused()


def test_a_lock_that_is_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("content")
    (place / "kind").mkdir(parents=True, mode=0o700)
    place.chmod(0o700)
    (place / "kind/.key.lock").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"):
        cache.entry("kind", "key", Maker())
    assert victim.read_text() == "content"


def test_removal_does_not_go_through_links(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    kept.chmod(0o711)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(kept)
    cache.remove_tree(tmp_path / "tree")
    assert kept.stat().st_mode & 0o777 == 0o711


def test_only_a_whole_entry_exists() -> None:
    assert cache.existing("kind", "key") is None
    made = cache.entry("kind", "key", Maker())
    os.utime(made, (0, 0))
    assert cache.existing("kind", "key") == made
    assert made.stat().st_mtime > 0
    (made / "folder/data").unlink()
    assert cache.existing("kind", "key") is None


def test_a_file_that_another_process_removed_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where two commands find the same remains of a build that was killed."""
    tree = tmp_path / "tree"
    (tree / "inner").mkdir(parents=True)
    for name in ("one", "inner/two"):
        (tree / name).touch()
    unlink = os.unlink

    def twice(name: str, *, dir_fd: int) -> None:
        unlink(name, dir_fd=dir_fd)
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", twice)
    cache.remove_tree(tree)
    assert not tree.exists()
