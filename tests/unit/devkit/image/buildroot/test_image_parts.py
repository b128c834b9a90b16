# SPDX-License-Identifier: MIT
"""What is built again: Buildroot copies local sources once, so the kit looks whether they changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devkit.host import cache
from devkit.host.paths import PROJECT
from devkit.image.buildroot import image_parts, make


@pytest.fixture
def place(tmp_path: Path) -> make.Place:
    (tmp_path / "output").mkdir()
    return make.Place(tmp_path / "tree", tmp_path / "output", tmp_path / "log")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Targets that make was asked for."""
    asked: list[str] = []
    monkeypatch.setattr(make, "run", lambda _, *targets: asked.extend(targets))
    return asked


def changed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have the files in ``folder`` seem changed."""
    digest = cache.digest_tree

    def other(*roots: Path) -> str:
        return digest(*roots) + ("+" if any(root.is_relative_to(folder) for root in roots) else "")

    monkeypatch.setattr(cache, "digest_tree", other)


def test_the_first_time_and_without_changes_nothing_is_built_again(
    place: make.Place, steps: list[str]
) -> None:
    image_parts._renew(place)
    image_parts._renew(place)
    assert steps == []
    assert set(json.loads((place.output / "inputs.json").read_text())) == {
        *image_parts.OURS,
        "busybox",
        "linux",
    }


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("pyhandler", ["python-fastqueue-rebuild"]),
        # The programs include the module's header.
        ("kmod", ["fastqueue-kmod-rebuild", "fastqueue-native-rebuild"]),
        ("br2-external/board/common/linux.config", ["linux-reconfigure", "fastqueue-kmod-rebuild"]),
        ("br2-external/board/common/busybox.fragment", ["busybox-reconfigure"]),
        ("br2-external/package/python-fastqueue", ["python-fastqueue-rebuild"]),
        ("docs", []),
    ],
)
def test_what_changed_is_built_again(
    folder: str, expected: list[str], place: make.Place, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image_parts._renew(place)
    changed(monkeypatch, PROJECT / folder)
    image_parts._renew(place)
    assert steps == expected


def test_what_failed_to_build_is_tried_again(
    place: make.Place, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image_parts._renew(place)
    changed(monkeypatch, PROJECT / "kmod")

    def fails(_: make.Place, *__: str) -> None:
        raise RuntimeError

    with monkeypatch.context() as context:
        context.setattr(make, "run", fails)
        with pytest.raises(RuntimeError):
            image_parts._renew(place)
    image_parts._renew(place)
    assert steps == ["fastqueue-kmod-rebuild", "fastqueue-native-rebuild"]
