# SPDX-License-Identifier: MIT
"""Run paths, as Debian's patchelf in Buildroot's place leaves them: called as fix-rpath calls it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devkit.host.paths import PROJECT

PATCHELF = PROJECT / "br2-external/offline/patchelf"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program with a run path."""
    source = tmp_path / "program.c"
    source.write_text("int main(void) { return 0; }\n")
    made = tmp_path / "program"
    subprocess.run(["gcc", "-Wl,-rpath,/built/host/lib", "-o", made, source], check=True)
    return made


def patchelf(*words: str | Path) -> str:
    return subprocess.run([PATCHELF, *words], check=True, capture_output=True, text=True).stdout.strip()


def test_what_it_has_no_opinion_on_is_the_systems(program: Path) -> None:
    assert patchelf("--version").startswith("patchelf ")
    assert patchelf("--print-rpath", program) == "/built/host/lib"


def test_host_programs_keep_their_run_path(program: Path) -> None:
    """Without it Buildroot's own python does not start, and the build ends at its last steps."""
    patchelf("--make-rpath-relative", "/built/host", "--relative-to-file", program)
    assert patchelf("--print-rpath", program) == "/built/host/lib"


@pytest.mark.parametrize("tree", ["/built/target", "/built/staging"])
def test_the_images_files_have_none(program: Path, tree: str) -> None:
    said = patchelf("--make-rpath-relative", tree, "--no-standard-lib-dirs", program)
    assert said.endswith("taken out")
    assert patchelf("--print-rpath", program) == ""
    assert patchelf("--make-rpath-relative", tree, "--no-standard-lib-dirs", program) == ""
