# SPDX-License-Identifier: MIT
"""Which base is taken and why, and where its Buildroot tree comes from."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.host import cache
from devkit.host.errors import KitError
from devkit.image import base_choice
from devkit.image.base_choice import ImageOptions
from devkit.image.buildroot import sources, tree
from devkit.image.kernel_flavour import DEFAULT, flavour
from tests import other_user

_ANSWERS = tree._answers


def fake_tree(place: Path, version: str = tree.TAG) -> Path:
    (place / "support/kconfig").mkdir(parents=True)
    (place / "Config.in").write_text("")
    (place / "Makefile").write_text(f"all:\nexport BR2_VERSION := {version}\n")
    return place


@pytest.fixture
def really() -> Callable[[], bool]:
    """What asks upstream, before the tests put something in its place."""
    return _ANSWERS


@pytest.fixture(autouse=True)
def nothing_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No tree of this user's, and no network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(tree.VARIABLE, raising=False)
    monkeypatch.setattr(tree, "_answers", lambda: False)
    monkeypatch.setattr(tree, "OUT", tmp_path / "out")


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the tag, and its commit pinned."""
    place = fake_tree(tmp_path / "upstream")
    git = ["git", "-C", str(place), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    (place / "support/kconfig/Makefile").write_text("")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "a"], ["tag", tree.TAG]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(tree, "UPSTREAM", place.as_uri())
    monkeypatch.setattr(tree, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(tree, "COMMIT", tree.commit(place))
    return place


def test_auto_takes_debian_where_there_is_no_tree() -> None:
    base = base_choice.choose(ImageOptions(), flavour(DEFAULT))
    assert (base.name, base.tree) == ("debian", None)
    assert "no Buildroot tree" in base.reason


def test_auto_asks_upstream_once_for_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    assert base_choice.choose(ImageOptions(), flavour(DEFAULT)).name == "debian"
    monkeypatch.setattr(tree, "_answers", lambda: pytest.fail("asked again"))
    base = base_choice.choose(ImageOptions(), flavour(DEFAULT))
    assert base.name == "debian"
    assert "--base=buildroot asks again" in base.reason


def test_who_wants_buildroot_asks_each_time(monkeypatch: pytest.MonkeyPatch, upstream: Path) -> None:
    assert base_choice.choose(ImageOptions(), flavour(DEFAULT)).name == "debian"
    monkeypatch.setattr(tree, "_answers", lambda: True)
    assert base_choice.choose(ImageOptions("buildroot"), flavour(DEFAULT)).tree == tree._in_cache()


def test_auto_clones_where_upstream_answers(monkeypatch: pytest.MonkeyPatch, upstream: Path) -> None:
    monkeypatch.setattr(tree, "_answers", lambda: True)
    base = base_choice.choose(ImageOptions(), flavour(DEFAULT))
    assert (base.name, base.tree) == ("buildroot", tree._in_cache())
    assert "cloned" in base.reason
    assert tree.commit(tree._in_cache()) == tree.COMMIT


def test_auto_takes_debian_where_the_tag_was_moved(monkeypatch: pytest.MonkeyPatch, upstream: Path) -> None:
    monkeypatch.setattr(tree, "_answers", lambda: True)
    monkeypatch.setattr(tree, "COMMIT", "0" * 40)
    unpacked: list[str] = []

    def remove(work: Path) -> None:
        unpacked.extend(path.name for path in work.glob("*"))
        shutil.rmtree(work, ignore_errors=True)

    monkeypatch.setattr(cache, "remove_tree", remove)
    base = base_choice.choose(ImageOptions(), flavour(DEFAULT))
    assert unpacked == [".git"], "nothing is unpacked before its commit is known"
    assert base.name == "debian"
    assert "is not the commit" in base.reason
    assert not tree._in_cache().exists()


def test_auto_takes_a_tree_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tree(tree._in_cache())
    assert base_choice.choose(ImageOptions(), flavour(DEFAULT)) == base_choice.Base(
        "buildroot", f"{tree.TAG} of the cache", tree._in_cache()
    )
    named = fake_tree(tmp_path / "named")
    monkeypatch.setenv(tree.VARIABLE, str(named))
    assert base_choice.choose(ImageOptions(), flavour(DEFAULT)).tree == named
    other = fake_tree(tmp_path / "other")
    assert base_choice.choose(ImageOptions(buildroot=str(other)), flavour(DEFAULT)).tree == other


def test_a_tree_that_was_built_with_is_found_again(tmp_path: Path) -> None:
    named = fake_tree(tmp_path / "named")
    tree.find(str(named))
    assert tree.find_optional().tree is None, "named is not built with"
    tree.remember(named)
    assert tree.find().tree == named
    (named / "Config.in").unlink()
    assert tree.find_optional().tree is None


@pytest.mark.parametrize("name", [".", "..", "support", "Makefile"])
def test_a_tree_that_others_could_change_is_not_used_again(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody names it any more, and what it says is run."""
    named = fake_tree(tmp_path / "above/named")
    tree.remember(named)
    before = (named / name).stat().st_mode
    (named / name).chmod(0o777)
    assert tree.find_optional().tree is None
    assert f"{named} is not used again" in capsys.readouterr().out
    (named / name).chmod(before)
    assert tree.find_optional().tree is None, "it was not forgotten"
    assert tree.find(str(named)).tree == named


@other_user.needs_root
def test_a_place_that_is_another_users_now_is_not_used_again(tmp_path: Path) -> None:
    named = fake_tree(tmp_path / "named")
    tree.remember(named)
    os.chown(named, other_user.UID, other_user.UID)
    assert tree.find_optional().tree is None


def test_what_is_behind_a_link_is_not_used_again(tmp_path: Path) -> None:
    named = fake_tree(tmp_path / "named")
    tree.remember(named)
    named.rename(tmp_path / "moved")
    named.symlink_to("moved")
    assert tree.find_optional().tree is None


def test_another_commit_is_told_each_time(
    upstream: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tree, "COMMIT", "0" * 40)
    tree.remember(upstream)
    assert tree.find().tree == upstream
    assert "not at 2026.02.3's commit" in capsys.readouterr().out


def test_no_repository_where_the_user_stands_says_how_upstream_is_asked(
    really: Callable[[], bool], upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    settings = {
        f"url.ext::sh -c 'touch% {tmp_path}/ran'.insteadOf": tree.UPSTREAM,
        "protocol.ext.allow": "always",
    }
    subprocess.run(["git", "-C", here, "init", "-q"], check=True)
    for name, value in settings.items():
        subprocess.run(["git", "-C", here, "config", name, value], check=True)
    monkeypatch.chdir(here)
    assert really()
    assert not (tmp_path / "ran").exists()


def test_debian_is_debian_whatever_there_is() -> None:
    fake_tree(tree._in_cache())
    assert base_choice.choose(ImageOptions("debian"), flavour(DEFAULT)) == base_choice.Base(
        "debian", "asked for"
    )


def test_other_kernels_are_the_debian_bases() -> None:
    fake_tree(tree._in_cache())
    assert base_choice.choose(ImageOptions(), flavour("lockdep")).name == "debian"
    with pytest.raises(KitError) as caught:
        base_choice.choose(ImageOptions("buildroot"), flavour("lockdep"))
    assert caught.value.code == "FQ-BUILDROOT"


@pytest.mark.parametrize(("name", "code"), [("buildroot", "FQ-BUILDROOT"), ("gentoo", "FQ-BASE")])
def test_what_cannot_be_had_is_refused(name: str, code: str) -> None:
    with pytest.raises(KitError) as caught:
        base_choice.choose(ImageOptions(name), flavour(DEFAULT))
    assert caught.value.code == code


def test_a_folder_that_is_no_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KitError, match="is no Buildroot tree"):
        tree.find(str(tmp_path))


def test_another_release_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    with pytest.raises(KitError) as caught:
        tree.find(str(fake_tree(tmp_path / "old", "2025.02")))
    assert "Buildroot 2025.02" in str(caught.value)
    assert f"checkout {tree.TAG}" in str(caught.value)


def test_the_other_base_has_a_folder_of_its_own() -> None:
    assert [ImageOptions(name).folder for name in base_choice.BASES] == ["image", "image-buildroot", "image"]


def test_archives_come_from_a_folder_if_one_is_named(tmp_path: Path) -> None:
    found = sources.choose(str(tmp_path), tmp_path)
    assert f'BR2_PRIMARY_SITE="file://{tmp_path}"' in found.changes
    with pytest.raises(KitError, match="no folder"):
        sources.choose("elsewhere", tmp_path)


def test_archives_come_from_their_own_sites_where_those_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "answers", lambda: True)
    assert sources.choose("auto", tmp_path).name == "upstream"


@pytest.mark.parametrize("name", ["auto", "debian"])
@pytest.mark.parametrize(
    ("more", "option"),
    [({"config": "fastqueue_pentium3_small"}, "--config"), ({"sources": "debian"}, "--sources")],
)
def test_words_about_buildroot_are_not_passed_over(name: str, more: dict[str, str], option: str) -> None:
    with pytest.raises(KitError, match=f"{option} cannot be had: the base is debian") as caught:
        base_choice.choose(ImageOptions(name, **more), flavour(DEFAULT))
    assert (caught.value.code, caught.value.status) == ("FQ-BASE", 2)


def test_a_tree_is_not_passed_over_either() -> None:
    with pytest.raises(KitError, match="--buildroot cannot be had"):
        base_choice.choose(ImageOptions("debian", buildroot="/tree"), flavour(DEFAULT))


def test_an_unknown_configuration_is_refused_before_anything_is_fetched() -> None:
    fake_tree(tree._in_cache())
    with pytest.raises(KitError, match="there is no configuration 'other'") as caught:
        base_choice.choose(ImageOptions("buildroot", config="other"), flavour(DEFAULT))
    assert caught.value.code == "FQ-BUILDROOT"


def test_a_space_in_a_name_is_debians(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To make it ends a name: the build would fail much later, with other words."""
    named = fake_tree(tmp_path / "my tree")
    with pytest.raises(KitError, match="has a space in its name") as caught:
        tree.find(str(named))
    assert (caught.value.code, caught.value.status) == ("FQ-BUILDROOT", 2)
    fake_tree(tree._in_cache())
    monkeypatch.setattr(tree, "PROJECT", tmp_path / "my projects/fastqueue")
    base = base_choice.choose(ImageOptions(), flavour(DEFAULT))
    assert base.name == "debian"
    assert "my projects" in base.reason
    with pytest.raises(KitError, match="my projects"):
        base_choice.choose(ImageOptions("buildroot"), flavour(DEFAULT))
