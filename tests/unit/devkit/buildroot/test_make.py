# SPDX-License-Identifier: MIT
"""Progress of a Buildroot build, from Buildroot's own log of steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.build.buildroot import make

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
    assert list(make.Progress().read(LOG.splitlines())) == [("host-tool", 3.5), ("busybox", 8.0)]


def test_the_log_may_be_read_in_pieces() -> None:
    progress = make.Progress()
    told = [one for line in LOG.splitlines() for one in progress.read([line])]
    assert told == [("host-tool", 3.5), ("busybox", 8.0)]


def test_the_last_package_is_told_at_the_end_and_an_unfinished_one_never() -> None:
    progress = make.Progress()
    assert list(progress.read(LOG.splitlines()[:8])) == [("host-tool", 3.5)]
    assert list(progress.rest()) == [("busybox", 7.0)]
    assert list(progress.rest()) == []


def test_what_is_no_step_is_passed_over() -> None:
    assert list(make.Progress().read(["", "half a li", "100.0:end  :build : nothing-begun"])) == []


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
