# SPDX-License-Identifier: MIT
"""What of the unpacked packages goes into the image."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest

from devkit.host import run_command
from devkit.host.errors import KitError
from devkit.image import elf
from devkit.image.debian import list_dates, package_lists, userland
from devkit.image.debian.apt import Apt, Source


def test_last_matching_rule_wins() -> None:
    rules = ["usr/lib/python3/*", "!usr/lib/python3/test/*", "usr/lib/python3/test/support.py"]
    assert package_lists.wanted("usr/lib/python3/os.py", rules)
    assert package_lists.wanted("usr/lib/python3/json/tool.py", rules)
    assert not package_lists.wanted("usr/lib/python3/test/test_os.py", rules)
    assert package_lists.wanted("usr/lib/python3/test/support.py", rules)
    assert not package_lists.wanted("usr/bin/perl", rules)


@pytest.mark.parametrize("path", ["usr/bin/perl", "usr/bin/dpkg", "usr/share/doc/x", "usr/share/locale/de/x"])
def test_what_a_target_has_no_use_for_stays_out(path: str) -> None:
    assert not package_lists.wanted(path, package_lists.words("files.txt"))


def test_comments_are_no_words() -> None:
    assert package_lists.words("packages.txt")[0] == "busybox-static"
    assert "#" not in " ".join(package_lists.words("applets.txt"))


def test_libraries_that_libraries_need_are_found() -> None:
    program = Path(shutil.which("ls") or "/bin/ls")
    libraries = {path.name: path for path in Path("/lib/x86_64-linux-gnu").glob("lib*.so*")}
    libraries["ld-linux-x86-64.so.2"] = Path("/lib64/ld-linux-x86-64.so.2")
    found = elf.closure([program], libraries)
    assert {"libselinux.so.1", "libpcre2-8.so.0", "libc.so.6"} <= found


def test_missing_library_is_named_with_its_user() -> None:
    with pytest.raises(KitError, match=r"ls needs lib\S+, which no package"):
        elf.closure([Path("/bin/ls")], {})


def test_other_files_need_nothing(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert elf.needed(script) == []


def test_unknown_applets_are_named(tmp_path: Path) -> None:
    busybox = tmp_path / "busybox"
    busybox.write_bytes(b"\0[\0ash\0awk\0")
    userland.check_applets(busybox, ["ash", "["])
    with pytest.raises(KitError, match="no applet aw, flock"):
        userland.check_applets(busybox, ["ash", "aw", "flock"])


def test_the_lists_that_mmdebstrap_fetched_are_checked_before_anything_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks the mirrors again, after the kit's apt: the answer can be another one then."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    now = datetime.datetime(2026, 11, 15, tzinfo=datetime.UTC)
    monkeypatch.setattr(list_dates, "_now", lambda: now)
    monkeypatch.setattr(userland, "LOGS", tmp_path / "logs")
    mirrors = [Source("http://m.example/debian", suite, "i386") for suite in ("bookworm", "bookworm-updates")]
    monkeypatch.setattr(Apt, "update", lambda _: mirrors)
    monkeypatch.setattr(userland, "select", lambda _: pytest.fail("something was kept"))
    for suite in ("bookworm", "bookworm-updates"):
        list_dates.check(suite, f"Suite: {suite}\nDate: Sat, 14 Nov 2026 02:00:00 UTC\n")
    days = {"bookworm": 14, "bookworm-updates": 3}

    def mmdebstrap(argv: list[str | Path], **_: object) -> str:
        lists = tmp_path / "unpacked/var/lib/apt/lists"
        lists.mkdir(parents=True)
        for suite, day in days.items():
            text = f"Codename: {suite}\nDate: Sat, {day:02} Nov 2026 02:00:00 UTC\n"
            (lists / f"m.example_debian_dists_{suite}_Release").write_text(text)
        return ""

    monkeypatch.setattr(run_command, "run", mmdebstrap)
    with pytest.raises(KitError, match="bookworm-updates is of 2026-11-03") as caught:
        userland._make(tmp_path)
    assert caught.value.code == "FQ-MIRROR"
