# SPDX-License-Identifier: MIT
"""The toolchain for Buildroot is Debian's own: the entry outlives the PATH that it was made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.host.errors import KitError
from devkit.image.buildroot import toolchain


def test_programs_are_those_of_the_system_whatever_path_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("gcc", "ld", "ar"):
        program = tmp_path / f"{toolchain.TRIPLET}-{tool}"
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = toolchain.toolchain()
    assert int(toolchain.version()) >= 12
    links = [path for path in made.rglob("*") if path.is_symlink()]
    assert {str(path.readlink().parent) for path in links if path.readlink().is_absolute()} == {"/usr/bin"}
    assert not (tmp_path / "ran").exists()


def test_without_the_package_there_is_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_PROGRAMS", tmp_path)
    with pytest.raises(KitError, match="is not installed") as caught:
        toolchain.toolchain()
    assert caught.value.remedy == "apt-get install gcc-i686-linux-gnu"
