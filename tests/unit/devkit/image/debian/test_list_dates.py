# SPDX-License-Identifier: MIT
"""A package list that is older than one that was seen before is refused, by what is signed of it."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from devkit.host.errors import KitError
from devkit.image.debian import list_dates

_SIGNED = """\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256
@headers@
@text@-----BEGIN PGP SIGNATURE-----

@after@
-----END PGP SIGNATURE-----
"""
_NEWER = "Date: Sun, 29 Nov 2026 00:00:00 UTC\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    now = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)
    monkeypatch.setattr(list_dates, "_now", lambda: now)
    return tmp_path / "cache/fastqueue/package-lists.json"


def release(day: int, month: str = "Nov", year: int = 2026, *, suite: str = "testing") -> str:
    return f"Suite: {suite}\nDate: Sat, {day:02} {month} {year} 02:00:00 UTC\nMD5Sum:\n"


def stable(day: int) -> str:
    return release(day, suite="stable")


def signed(text: str, headers: str = "", after: str = "") -> str:
    return _SIGNED.replace("@headers@", headers).replace("@text@", text).replace("@after@", after)


def refused(suite: str, text: str, *, signed_inline: bool = False) -> KitError:
    with pytest.raises(KitError) as caught:
        list_dates.check(suite, text, signed_inline=signed_inline)
    assert caught.value.code == "FQ-MIRROR"
    return caught.value


def test_lists_go_forward_and_may_lag_a_little() -> None:
    for day in (10, 12, 6, 12, 28):
        list_dates.check("testing", release(day))
        list_dates.check("stable", signed(stable(day)), signed_inline=True)


def test_an_old_list_is_refused_and_the_newest_date_stays(place: Path) -> None:
    list_dates.check("testing", release(28))
    list_dates.check("testing", release(22))
    for _ in range(2):
        error = refused("testing", release(20))
        assert "2026-11-20" in error.what
        assert str(place) in error.remedy
    list_dates.check("unstable", release(20, suite="unstable"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Suite: testing\n",
        "Suite: testing\nDate: yesterday\n",
        "Suite: testing\n Date: Sat, 28 Nov 2026 02:00:00 UTC",
    ],
)
def test_a_list_without_a_date_is_refused(text: str) -> None:
    refused("testing", text)
    refused("testing", signed(text and f"{text}\n"), signed_inline=True)


@pytest.mark.parametrize(
    "replayed",
    [
        signed(stable(10), headers=_NEWER),
        signed(stable(10), headers=f"Comment: x\x0c\x0c\n{_NEWER}"),
        signed(stable(10), headers=f"Comment: x\u2028\u2028{_NEWER}"),
        signed(stable(10)).replace("Hash: SHA256\n", f"{_NEWER}Hash: SHA256\n"),
        signed(stable(10), after=f"\n{_NEWER}"),
        signed(stable(10)) + _NEWER,
        signed(stable(10)) + signed(_NEWER),
        _NEWER + signed(stable(10)),
        f"{_NEWER}\n{signed(stable(10))}",
        f"\n{_NEWER}",
        _NEWER,
    ],
)
def test_what_is_not_signed_does_not_count(replayed: str, place: Path) -> None:
    list_dates.check("stable", signed(stable(28)), signed_inline=True)
    before = place.read_text()
    refused("stable", replayed, signed_inline=True)
    assert place.read_text() == before


def test_line_ends_of_other_systems() -> None:
    text = signed(stable(28)).replace("\n", "\r\n")
    list_dates.check("stable", text, signed_inline=True)
    refused("stable", signed(stable(10)).replace("\n", " \r\n"), signed_inline=True)


@pytest.mark.parametrize("text", [release(1, "Dec"), release(1, "Jan", 2050)])
def test_a_list_of_the_future_is_refused_and_not_kept(text: str, place: Path) -> None:
    assert "in the future" in refused("testing", text).what
    assert not place.exists()
    list_dates.check("testing", release(28))


def test_a_date_of_the_future_that_was_kept_does_not_count(place: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True)
    place.write_text('{"testing": "2050-01-01T00:00:00+00:00", "stable": "2026-11-28T00:00:00+00:00"}')
    list_dates.check("testing", release(3))
    refused("stable", stable(3))


def test_a_date_without_a_zone_is_utc() -> None:
    list_dates.check("testing", "Suite: testing\nDate: Sat, 28 Nov 2026 02:00:00 -0000\n")
    list_dates.check("testing", "Suite: testing\nDate: Sat, 28 Nov 2026 02:00:00\n")


@pytest.mark.parametrize(
    "damage", ["", "[]", "{", '{"testing": 5}', '{"testing": "x"}', '{"testing": "2026-11-28T00:00:00"}']
)
def test_a_damaged_record_is_made_anew(damage: str, place: Path) -> None:
    list_dates.check("testing", release(28))
    place.write_text(damage)
    list_dates.check("testing", release(3))
    refused("testing", release(3, "Jan"))


def test_the_files_of_the_very_suite_are_checked(tmp_path: Path) -> None:
    for suite in ("stable", "oldstable", "stable-backports"):
        day = 28 if suite == "stable" else 3
        (tmp_path / f"mirror_debian_dists_{suite}_InRelease").write_text(signed(release(day, suite=suite)))
    for suite in ("stable", "oldstable"):
        list_dates.check_all(tmp_path, suite)
    (tmp_path / "other_dists_oldstable_Release").write_text(release(28, suite="oldstable"))
    list_dates.check_all(tmp_path, "oldstable")
    for suite in ("oldstable", "testing"):
        with pytest.raises(KitError) as caught:
            list_dates.check_all(tmp_path, suite)
        assert caught.value.code == "FQ-MIRROR"


_DATE = "Date: Sat, 28 Nov 2026 02:00:00 UTC\n"


@pytest.mark.parametrize(
    "fields",
    ["", "Suite: stable\nCodename: trixie\n", "Suite: testing-updates\n", "Suite: stable\nSuite: testing\n",
     " Suite: testing\n", "Suites: testing\n", "Suite:\n"],
)  # fmt: skip
def test_the_list_of_another_suite_is_refused_and_not_kept(fields: str, place: Path) -> None:
    assert "testing" in refused("testing", fields + _DATE).what
    refused("testing", signed(fields + _DATE), signed_inline=True)
    refused("testing", signed(fields + _DATE, headers="Suite: testing"), signed_inline=True)
    assert not place.exists()


@pytest.mark.parametrize(
    ("name", "suite", "codename"),
    [
        ("bookworm", "oldstable", "bookworm"),
        ("bookworm-security", "oldstable-security", "bookworm-security"),
        ("oldstable", "oldstable", "bookworm"),
        ("stable-backports", "stable-backports", "trixie-backports"),
        ("experimental", "experimental", "rc-buggy"),
    ],
)
def test_a_suite_has_two_names(name: str, suite: str, codename: str) -> None:
    list_dates.check(name, f"Origin: Debian\nSuite: {suite}\nCodename: {codename}\n{_DATE}")
