# SPDX-License-Identifier: MIT
"""A package list that is older than one that was seen before is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.build import list_dates
from devkit.build.apt import Apt
from devkit.errors import KitError


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/fastqueue/package-lists.json"


def release(day: int, month: str = "Nov") -> str:
    return f"Suite: x\nDate: Sat, {day:02} {month} 2026 02:00:00 UTC\nMD5Sum:\n"


def test_lists_go_forward_and_may_lag_a_little() -> None:
    for day in (10, 12, 6, 12, 28):
        list_dates.check("testing", release(day))


def test_an_old_list_is_refused_and_the_newest_date_stays(place: Path) -> None:
    list_dates.check("testing", release(28))
    list_dates.check("testing", release(22))
    for _ in range(2):
        with pytest.raises(KitError) as caught:
            list_dates.check("testing", release(20))
        assert caught.value.code == "FQ-MIRROR"
        assert "2026-11-20" in caught.value.what
        assert str(place) in caught.value.remedy
    list_dates.check("unstable", release(20))


def test_a_list_without_a_date_is_refused() -> None:
    for text in ("", "Suite: x\n", "Date: yesterday\n"):
        with pytest.raises(KitError) as caught:
            list_dates.check("testing", text)
        assert caught.value.code == "FQ-MIRROR"


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"testing": 5}', '{"testing": "x"}'])
def test_a_damaged_record_is_made_anew(damage: str, place: Path) -> None:
    list_dates.check("testing", release(28))
    place.write_text(damage)
    list_dates.check("testing", release(3))
    with pytest.raises(KitError):
        list_dates.check("testing", release(3, "Jan"))


def test_apt_gives_the_file_of_the_very_suite(tmp_path: Path) -> None:
    lists = tmp_path / "state/lists"
    lists.mkdir(parents=True)
    for suite in ("stable", "oldstable", "stable-backports"):
        (lists / f"mirror_debian_dists_{suite}_InRelease").write_text(suite)
    from devkit.build.apt import Source

    assert Apt(tmp_path, "i386")._release(Source("http://m/", "stable", "i386")) == "stable"
