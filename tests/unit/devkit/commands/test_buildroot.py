# SPDX-License-Identifier: MIT
"""Buildroot's own tools: what is refused, and what stays when one of them fails."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from devkit.commands import buildroot
from devkit.host.errors import KitError
from devkit.image import package_index
from devkit.image.buildroot import image_parts, make, sources
from devkit.target import console


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> make.Place:
    """A configured place with two packages, the first of them built."""
    found = make.Place(tmp_path / "tree", tmp_path / "output", tmp_path / "log")
    (found.output / "build/busybox-1.37.0").mkdir(parents=True)
    (found.output / "build/busybox-1.37.0/.stamp_built").touch()
    (found.output / "build/busybox-extra-1.0").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(image_parts, "place", lambda _: found)
    monkeypatch.setattr(buildroot, "_configured", lambda _: found)
    monkeypatch.setattr(buildroot, "_packages", lambda _: {"busybox", "busybox-extra"})
    return found


WISH = image_parts.BuildrootRequest(Path("tree"))


@pytest.mark.parametrize(
    ("name", "target"), [("busybox", "busybox-rebuild"), ("busybox-extra", "busybox-extra")]
)
def test_a_package_is_built_again_or_for_the_first_time(
    name: str, target: str, place: make.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(make, "build", lambda _, *targets: asked.extend(targets))
    buildroot.build_package(WISH, name)
    assert asked == [target]


def test_a_package_that_there_is_not_is_refused(place: make.Place) -> None:
    with pytest.raises(KitError) as caught:
        buildroot.build_package(WISH, "emacs")
    assert caught.value.code == "FQ-PACKAGE"


def test_half_a_database_does_not_stay(place: make.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    bill = place.output / "sbom.json"
    bill.write_text("{}")
    database = make.downloads() / "buildroot-nvd"

    def fails(argv: list[str | Path], text: str) -> str:
        (database / "git").mkdir(parents=True)
        raise KitError("FQ-COMMAND", "no network", "none")

    monkeypatch.setattr(buildroot, "sbom", lambda _: bill)
    monkeypatch.setattr(buildroot, "_filter", fails)
    with pytest.raises(KitError) as caught:
        buildroot.cve(WISH)
    assert caught.value.code == "FQ-CVE"
    assert not database.exists()


def test_vulnerabilities_are_counted_by_their_state(
    place: make.Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = place.output / "sbom.json"
    bill.write_text("{}")
    found = [
        {"id": "CVE-1", "analysis": {"state": "exploitable"}, "affects": [{"ref": "busybox"}]},
        {"id": "CVE-2", "analysis": {"state": "not_affected"}},
    ]
    monkeypatch.setattr(buildroot, "sbom", lambda _: bill)
    monkeypatch.setattr(buildroot, "_filter", lambda *_: json.dumps({"vulnerabilities": found}))
    buildroot.cve(WISH, nvd=str(place.output))
    shown = capsys.readouterr().out
    assert "CVE-1: busybox" in shown
    assert "CVE-2" not in shown
    assert "1 exploitable, 1 not_affected" in shown


def test_names_of_licences_come_from_the_python_index_where_there_is_no_network(
    place: make.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(project: str, matches: object, sha256: str, into: Path) -> Path:
        assert (project, len(sha256)) == ("cyclonedx-python-lib", 64)
        into.mkdir()
        with zipfile.ZipFile(into / "library.whl", "w") as archive:
            archive.writestr("library/schema/spdx.SNAPSHOT.schema.json", '{"enum": ["MIT"]}')
        return into / "library.whl"

    monkeypatch.setattr(sources, "answers", lambda: False)
    monkeypatch.setattr(package_index, "fetch", fetch)
    buildroot._have_schema(place)
    assert json.loads((make.downloads() / "cyclonedx/spdx-1.6.schema.json").read_text()) == {"enum": ["MIT"]}


def test_menus_need_a_terminal(place: make.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "is_interactive", lambda: False)
    with pytest.raises(KitError) as caught:
        buildroot.menuconfig(WISH)
    assert caught.value.code == "FQ-TTY"
