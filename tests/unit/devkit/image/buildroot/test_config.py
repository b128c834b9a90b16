# SPDX-License-Identifier: MIT
"""Configuration of Buildroot: options that did not take are named, and the defconfig comes round."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.host.errors import KitError
from devkit.image.buildroot import config, make

WANTED = "BR2_x86_pentium3=y\nBR2_PACKAGE_PYTHON3=y\n"


class FakeBuildroot:
    """Stands for make: writes .config and the saved defconfig as told, and counts the calls."""

    def __init__(self, result: str, saved: str = WANTED) -> None:
        self.result, self.saved = result, saved
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, place: make.Place, *targets: str) -> None:
        self.calls.append(targets)
        name = targets[0].partition("=")[2]
        if targets[-1] == "defconfig":
            (place.output / ".config").write_text(self.result)
        else:
            Path(name).write_text(self.saved)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> make.Place:
    monkeypatch.setattr(config, "CONFIGS", tmp_path / "configs")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/mine_defconfig").write_text(WANTED)
    return make.Place(tmp_path / "tree", tmp_path / "output", tmp_path / "log")


def test_the_same_configuration_is_made_once(place: make.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    buildroot = FakeBuildroot(WANTED)
    monkeypatch.setattr(make, "run", buildroot)
    config.configure(place, "mine")
    config.configure(place, "mine")
    assert [targets[-1] for targets in buildroot.calls] == ["defconfig", "savedefconfig"]


def test_options_that_did_not_take_are_named(place: make.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "run", FakeBuildroot("BR2_x86_pentium3=y\n"))
    with pytest.raises(KitError) as caught:
        config.configure(place, "mine")
    assert caught.value.code == "FQ-BRCONFIG"
    assert caught.value.lines == ["BR2_PACKAGE_PYTHON3: asked for y, got n"]
    assert not (place.output / "defconfig").exists()


def test_a_defconfig_that_does_not_come_round_is_refused(
    place: make.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "run", FakeBuildroot(WANTED, "BR2_PACKAGE_PYTHON3=y\n"))
    with pytest.raises(KitError) as caught:
        config.configure(place, "mine")
    assert caught.value.lines == ["BR2_x86_pentium3=y"]


def test_changes_lie_on_top(place: make.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = "# BR2_PACKAGE_PYTHON3 is not set\nBR2_PRIMARY_SITE_ONLY=y\n"
    buildroot = FakeBuildroot("BR2_x86_pentium3=y\nBR2_PRIMARY_SITE_ONLY=y\n")
    monkeypatch.setattr(make, "run", buildroot)
    config.configure(place, "mine", changes)
    asked = (place.output / "defconfig").read_text()
    assert asked == "BR2_x86_pentium3=y\n# BR2_PACKAGE_PYTHON3 is not set\nBR2_PRIMARY_SITE_ONLY=y\n"


@pytest.mark.parametrize("change", ["none", "toolchain", "place"])
def test_a_build_with_programs_of_elsewhere_begins_from_nothing(
    change: str, place: make.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its programs run others by absolute paths, which another user may have by now."""
    toolchain = 'BR2_TOOLCHAIN_EXTERNAL_PATH="/one"\n'
    monkeypatch.setattr(make, "run", FakeBuildroot(WANTED + toolchain))
    config.configure(place, "mine", toolchain)
    (place.output / "host").mkdir()
    if change == "toolchain":
        toolchain = toolchain.replace("one", "two")
        monkeypatch.setattr(make, "run", FakeBuildroot(WANTED + toolchain))
    elif change == "place":
        place = make.Place(place.tree, place.output.rename(place.output.with_name("moved")), place.log)
    config.configure(place, "mine", toolchain)
    assert (place.output / "host").exists() == (change == "none")
    assert (place.output / ".config").read_text() == WANTED + toolchain


def test_another_name_is_refused_with_those_there_are(place: make.Place) -> None:
    with pytest.raises(KitError, match="mine"):
        config.defconfig("yours")
