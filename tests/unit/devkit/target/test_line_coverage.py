# SPDX-License-Identifier: MIT
"""Tables of lines out of gcov's documents."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.host.errors import KitError
from devkit.image.kernel_module import SOURCE
from devkit.target import line_coverage


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
    main, ring = line_coverage.merged([first, second])
    assert (main.name, main.reached, main.missed) == ("main.c", 1, [2])
    assert (ring.name, ring.reached, ring.missed) == ("ring.h", 1, [6])


def test_unreached_lines_are_shown_with_their_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = line_coverage.FileCoverage("main.c", {1: 1, 2: 0})
    line_coverage.show([one], tmp_path / "out/unreached.txt")
    text = (SOURCE / "main.c").read_text().splitlines()[1].strip()
    assert (tmp_path / "out/unreached.txt").read_text() == f"main.c:2: {text}\n"
    assert "1 of 2 lines, 50.0 %" in capsys.readouterr().out


def _archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _member(name: str, size: int = 4) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = size
    return member, b"gcda".ljust(size, b"\0")[:size]


def test_counters_come_out_of_their_archive_under_their_own_names_only(tmp_path: Path) -> None:
    link = tarfile.TarInfo("link.gcda")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    odd = ["--object-directory=a.gcda", "x/-h.gcda", "..gcda", "a b.gcda", "A.gcda", "main.gcno"]
    good = ["./main.gcda", "../../outside.gcda", "fastqueue.mod.gcda", "queue_list.gcda"]
    packed = _archive(*(_member(name) for name in good + odd), (link, b""))
    line_coverage.unpack(packed, tmp_path / "counters")
    found = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == dict.fromkeys(("main.gcda", "outside.gcda", "queue_list.gcda"), b"gcda")


def _sparse() -> bytes:
    """An archive in which a few bytes stand for a counter of a gigabyte."""
    member = tarfile.TarInfo("main.gcda")
    member.type, member.size = tarfile.GNUTYPE_SPARSE, 512
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[386:410] = b"%011o\0%011o\0" % (0, 512)
    block[483:495] = b"%011o\0" % (1 << 30)
    block[148:156] = b"%06o\0 " % (sum(block) - sum(block[148:156]) + 8 * 32)
    return gzip.compress(bytes(block) + bytes(512) + bytes(1024))


_BOMBS = {
    "one large member": lambda: _archive(_member("main.gcda", 5 << 20)),
    "many members": lambda: _archive(*(_member(f"part_{number}.gcda", 3 << 20) for number in range(12))),
    "a large member of another name": lambda: _archive(_member("other", 33 << 20)),
    "a long header": lambda: _archive(_member("a" * (33 << 20))),
    "no end": lambda: _archive(_member("main.gcda"))[:-12],
    "no archive": lambda: b"text",
    "no tar in it": lambda: gzip.compress(b"text" * 1000),
}


@pytest.mark.parametrize("packed", _BOMBS.values(), ids=_BOMBS.keys())
def test_what_a_target_sends_has_limits(packed: Callable[[], bytes], tmp_path: Path) -> None:
    with pytest.raises(KitError) as caught:
        line_coverage.unpack(packed(), tmp_path)
    assert caught.value.code == "FQ-COVERAGE"
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 32 << 20


def test_holes_are_not_filled(tmp_path: Path) -> None:
    line_coverage.unpack(_sparse(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_counters_there_is_no_coverage(tmp_path: Path) -> None:
    with pytest.raises(KitError) as caught:
        line_coverage.measure(tmp_path)
    assert caught.value.code == "FQ-COVERAGE"
