# SPDX-License-Identifier: MIT
"""Which mirrors the kit takes from the user's apt."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.host import run_command
from devkit.host.errors import KitError
from devkit.image.debian import apt, list_dates

RECORDED = """\
http://mirror.example/debian/|bookworm|main|Debian
http://mirror.example/debian/|bookworm|contrib|Debian
http://mirror.example/debian/|bookworm-updates|main|Debian
http://security.example/debian-security/|bookworm-security|main|Debian
http://second.example/debian/|bookworm|main|Debian
http://other.example/apt/|bookworm|main|Somebody Else
http://mirror.example/debian/|trixie|main|Debian
"""


def test_first_mirror_of_each_suite_of_the_release() -> None:
    assert apt.mirrors(RECORDED) == {
        "bookworm": "http://mirror.example/debian/",
        "bookworm-updates": "http://mirror.example/debian/",
        "bookworm-security": "http://security.example/debian-security/",
    }


def test_order_is_ours_whatever_apt_says() -> None:
    backwards = "\n".join(reversed(RECORDED.splitlines()))
    assert list(apt.mirrors(backwards)) == ["bookworm", "bookworm-updates", "bookworm-security"]


def test_nothing_known() -> None:
    assert apt.mirrors("") == {}


def test_without_the_release_there_is_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_command, "run", lambda *_, **__: "http://m.example/|trixie|main|Debian\n")
    with pytest.raises(KitError) as caught:
        apt.user_mirrors()
    assert caught.value.code == "FQ-APT"
    assert "sources.list" in caught.value.remedy


def test_source_line_names_architecture_and_key() -> None:
    line = apt.Source("http://mirror.example/debian/", "bookworm", "i386").line
    assert line == (
        "deb [arch=i386 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
        " http://mirror.example/debian/ bookworm main"
    )


@pytest.mark.parametrize("suite", [*apt.SUITES, *apt.NEWER_SUITES, *apt.SOURCE_SUITES])
def test_no_list_that_has_run_out_is_asked_for(suite: str) -> None:
    assert "check-valid-until" not in apt.Source("http://mirror.example/debian/", suite, "i386").line


def test_versions_come_from_archive_names() -> None:
    names = ["busybox-static_1%3a1.35.0-4+deb12u1+b1_i386.deb", "netbase_6.4_all.deb"]
    assert apt.versions(names) == {"busybox-static": "1:1.35.0-4+deb12u1+b1", "netbase": "6.4"}


def test_a_list_that_was_not_compared_is_not_just_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has the record of dates: that says nothing of the suite."""

    def busy(*_: object) -> None:
        raise KitError("FQ-BUSY", "in use", "run it again")

    monkeypatch.setattr(run_command, "run", lambda *_, **__: RECORDED)
    monkeypatch.setattr(apt, "_user_settings", list)
    monkeypatch.setattr(list_dates, "check_all", busy)
    with pytest.raises(KitError) as caught:
        apt.Apt(tmp_path, "i386").update()
    assert caught.value.code == "FQ-BUSY"
