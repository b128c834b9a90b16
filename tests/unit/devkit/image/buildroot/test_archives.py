# SPDX-License-Identifier: MIT
"""Archives from a Debian mirror: which version is taken, and what Buildroot is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.host import cache
from devkit.image.buildroot import archives
from devkit.image.buildroot.archives import Package


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("1:1.37.0-6", "1.37.0"),
        ("1:1.3.dfsg+really1.3.1-1", "1.3.1"),
        ("3.13.5-2+deb13u5", "3.13.5"),
        ("30+20221128-1", "30"),
        ("6.1", "6.1"),
    ],
)
def test_version_of_the_authors(debian: str, upstream: str) -> None:
    assert archives.upstream_version(debian) == upstream


@pytest.mark.parametrize(
    ("version", "wish", "taken"),
    [
        ("1.37.0", {"least": "1.37"}, True),
        ("1.35.0", {"least": "1.37"}, False),
        ("10.0", {"least": "9.9"}, True),
        ("2.5.1", {"least": "1.8.1", "below": "2"}, False),
    ],
)
def test_versions_that_serve(version: str, wish: dict[str, str], taken: bool) -> None:
    assert archives.fits(version, wish) is taken


def package_file(tree: Path, name: str, text: str, hashes: str = "") -> None:
    folder = tree / "package" / name
    folder.mkdir(parents=True)
    (folder / f"{name}.mk").write_text(text)
    (folder / f"{name}.hash").write_text(hashes)


def test_package_files_are_read(tmp_path: Path) -> None:
    text = (
        "PYTHON3_VERSION_MAJOR = 3.14\nPYTHON3_VERSION = $(PYTHON3_VERSION_MAJOR).5\n"
        "PYTHON3_SOURCE = Python-$(PYTHON3_VERSION).tar.xz\n"
    )
    package_file(tmp_path, "python3", text, "# comment\nsha256  abc  Python-3.14.5.tar.xz\nmd5  d  x\n")
    package_file(tmp_path, "fake-tool", "FAKE_TOOL_VERSION = 2\n")
    found = archives.read_packages(tmp_path, ["python3", "fake-tool"])
    assert found["python3"] == Package(
        "python3", "3.14.5", "Python-3.14.5.tar.xz", {"Python-3.14.5.tar.xz": "abc"}
    )
    assert found["fake-tool"].source == "fake-tool-2.tar.gz"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "download/tool_2.0.orig.tar.gz"
    path.parent.mkdir()
    path.write_bytes(b"archive")
    return path


def test_the_very_same_archive_needs_no_word(tmp_path: Path, archive: Path) -> None:
    package = Package("tool", "2.0", "tool-2.0.tar.gz", {"tool-2.0.tar.gz": cache.digest_file(archive)})
    override = archives._taken(tmp_path, package, archive, "2.0")
    assert (override.variables, override.hashes) == ({}, {})
    assert (tmp_path / "archives/tool/tool-2.0.tar.gz").read_bytes() == b"archive"


def test_an_archive_made_anew_has_its_own_name_and_hash(tmp_path: Path, archive: Path) -> None:
    """All hashes that are known of one name have to fit: under Buildroot's name it would be refused."""
    digest = cache.digest_file(archive)
    override = archives._taken(
        tmp_path, Package("tool", "2.0", "tool-2.0.tar.gz", {"tool-2.0.tar.gz": "f00"}), archive, "2.0"
    )
    assert override.variables == {"TOOL_SOURCE": "tool_2.0.orig.tar.gz"}
    assert override.hashes == {"tool_2.0.orig.tar.gz": digest}


def test_of_another_version_no_patch_of_buildroots_is_applied(tmp_path: Path, archive: Path) -> None:
    override = archives._taken(tmp_path, Package("a-tool", "3.0", "a-tool-3.0.tar.gz", {}), archive, "2.0")
    assert override.variables["A_TOOL_VERSION"] == "2.0"
    assert override.variables["A_TOOL_PKGDIR"] == override.variables["HOST_A_TOOL_PKGDIR"]
    assert override.variables["A_TOOL_PKGDIR"] == "$(OFFLINE_DIR)/none/"


def test_override_file_has_all_of_it(tmp_path: Path) -> None:
    override = archives.Override({"TOOL_VERSION": "2.0"}, {"tool_2.0.tar.gz": "abc"})
    archives._write(tmp_path, {"tool": override, "linux": archives.Override()}, ["libmnl"])
    lines = (tmp_path / "override.mk").read_text().splitlines()
    assert lines[1:] == [
        "OFFLINE_BINARY = LIBMNL",
        "override TOOL_VERSION = 2.0",
        "include $(OFFLINE_DIR)/overrides",
    ]
    assert (tmp_path / "hashes/tool/tool.hash").read_text() == "sha256  abc  tool_2.0.tar.gz\n"
