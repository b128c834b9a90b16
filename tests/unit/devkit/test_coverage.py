# SPDX-License-Identifier: MIT
"""Tables of lines out of gcov's documents."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from devkit import coverage
from devkit.build.module import SOURCE
from devkit.errors import KitError


def _document(*files: tuple[str, dict[int, int]]) -> dict[str, object]:
    return {
        "files": [
            {"file": name, "lines": [{"line_number": line, "count": count} for line, count in counts.items()]}
            for name, counts in files
        ]
    }


def test_objects_that_include_a_header_add_up_and_the_kernels_own_files_are_left_out() -> None:
    first = _document(("/build/kmod/main.c", {1: 3, 2: 0}), ("/build/kmod/ring.h", {5: 0, 6: 0}))
    second = _document(("/build/kmod/ring.h", {5: 2}), ("./include/linux/list.h", {9: 1}))
    main, ring = coverage.merged([first, second])
    assert (main.name, main.reached, main.missed) == ("main.c", 1, [2])
    assert (ring.name, ring.reached, ring.missed) == ("ring.h", 1, [6])


def test_unreached_lines_are_shown_with_their_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = coverage.FileCoverage("main.c", {1: 1, 2: 0})
    coverage.show([one], tmp_path / "out/unreached.txt")
    text = (SOURCE / "main.c").read_text().splitlines()[1].strip()
    assert (tmp_path / "out/unreached.txt").read_text() == f"main.c:2: {text}\n"
    assert "1 of 2 lines, 50.0 %" in capsys.readouterr().out


def test_counters_come_out_of_their_archive_under_their_own_names_only(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("./main.gcda", "../../outside.gcda"):
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"gcda"))
        link = tarfile.TarInfo("link.gcda")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    coverage.unpack(buffer.getvalue(), tmp_path / "counters")
    found = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"main.gcda": b"gcda", "outside.gcda": b"gcda"}


def test_without_counters_there_is_no_coverage(tmp_path: Path) -> None:
    with pytest.raises(KitError) as caught:
        coverage.measure(tmp_path)
    assert caught.value.code == "FQ-COVERAGE"
