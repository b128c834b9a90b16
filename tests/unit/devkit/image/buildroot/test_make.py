# SPDX-License-Identifier: MIT
"""Progress of a Buildroot build, from Buildroot's own log of steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.host import run_command
from devkit.host.errors import KitError
from devkit.image.buildroot import make

LOG = """\
100.0:start:extract             : host-tool
101.0:end  :extract             : host-tool
101.0:start:install-host        : host-tool
103.5:end  :install-host        : host-tool
104.0:start:build               : busybox
110.0:end  :build               : busybox
110.0:start:install-target      : busybox
111.0:end  :install-target      : busybox
111.0:start:install-staging     : busybox
112.0:end  :install-staging     : busybox
112.0:start:extract             : linux
"""


def test_a_package_is_told_once_it_is_installed_and_another_begins() -> None:
    assert list(make.MakeProgress().read(LOG.splitlines())) == [("host-tool", 3.5), ("busybox", 8.0)]


def test_the_log_may_be_read_in_pieces() -> None:
    progress = make.MakeProgress()
    told = [one for line in LOG.splitlines() for one in progress.read([line])]
    assert told == [("host-tool", 3.5), ("busybox", 8.0)]


def test_the_last_package_is_told_at_the_end_and_an_unfinished_one_never() -> None:
    progress = make.MakeProgress()
    assert list(progress.read(LOG.splitlines()[:8])) == [("host-tool", 3.5)]
    assert list(progress.rest()) == [("busybox", 7.0)]
    assert list(progress.rest()) == []


def test_what_is_no_step_is_passed_over() -> None:
    assert list(make.MakeProgress().read(["", "half a li", "100.0:end  :build : nothing-begun"])) == []


def test_buildroot_sees_nothing_of_the_user_but_proxies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/home/me/.pyenv/shims:/usr/bin")
    monkeypatch.setenv("CFLAGS", "-march=native")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = make.environment()
    assert found["PATH"] == "/usr/sbin:/usr/bin:/sbin:/bin"
    assert found["https_proxy"] == "http://proxy:3128"
    assert found["BR2_DL_DIR"] == str(tmp_path / "fastqueue/buildroot-dl")
    assert "CFLAGS" not in found


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (
            "make[1]: *** [package/pkg-generic.mk:190: /o/build/busybox-1.37.0/.stamp_downloaded] Error 1",
            "FQ-SOURCE",
        ),
        (
            "make[1]: *** [package/pkg-generic.mk:273: /o/build/busybox-1.37.0/.stamp_built] Error 2",
            "FQ-COMMAND",
        ),
    ],
)
def test_an_archive_that_is_not_to_be_had_is_told_with_what_to_do(
    said: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make.Place(tmp_path / "tree", tmp_path, tmp_path / "log")

    def fails(*_: object, **__: object) -> None:
        place.log.write_text(f"{said}\nmake: *** [Makefile:83: _all] Error 2\n")
        raise KitError("FQ-COMMAND", "exit status 2: make", "mend what the compiler says")

    monkeypatch.setattr(run_command, "compile_with", fails)
    with pytest.raises(KitError) as caught:
        make.build(place)
    assert caught.value.code == code
    assert (
        ("busybox-1.37.0" in caught.value.what)
        == ("--sources=" in caught.value.remedy)
        == (code == "FQ-SOURCE")
    )
