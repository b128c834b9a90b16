# SPDX-License-Identifier: MIT
"""The light IDS in C: what its patterns are in, and files that are not patterns."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .compat_programs import PROJECT, build

_BYTES = st.sampled_from([b"\0", b"a", b"b", b"\xff"])
_pattern = st.lists(_BYTES, min_size=1, max_size=5).map(b"".join)
_contents = st.lists(_BYTES, max_size=30).map(b"".join)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources = (Path(__file__).with_name("light_ids.c"), PROJECT / "native/light-ids/patterns.c")
    return build(tmp_path_factory.mktemp("light") / "light_ids", *sources)


def ask(program: Path, patterns: Path, contents: str = "") -> subprocess.CompletedProcess[str]:
    """Run it on a file of patterns."""
    return subprocess.run([program, patterns], input=contents, capture_output=True, text=True, check=False)


@settings(max_examples=50)
@given(patterns=st.lists(_pattern, min_size=1, max_size=8), contents=st.lists(_contents, max_size=8))
def test_finds_what_a_search_for_each_finds(
    program: Path, tmp_path_factory: pytest.TempPathFactory, patterns: list[bytes], contents: list[bytes]
) -> None:
    file = tmp_path_factory.mktemp("patterns") / "file"
    file.write_text("\n".join(pattern.hex() for pattern in patterns))
    done = ask(program, file, "".join(f"{each.hex()}\n" for each in contents))
    assert done.returncode == 0, done.stderr
    found = [any(pattern in each for pattern in patterns) for each in contents]
    assert done.stdout.split() == ["yes" if each else "no" for each in found]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[31m\n", 1),
        ("41\n\r42\n", 2),
        ("41zz\n", 1),
        ("4142\n414\n", 2),
        ("4142434445\n414", 2),
        ("41 42\n", 1),
        ("4142\0zz\n", 1),
        ("4142\0", 1),
        ("41\n4142\0\n", 2),
        ("0x41\n", 1),
        ("41\n\n42\n", 2),
        ("41" * 257 + "\n", 1),
        ("41" * 1000, 1),
        ("\n".join(f"{number:04x}" + "00" * 20 for number in range(400)), 195),
    ],
)
def test_what_is_no_pattern_is_refused(program: Path, tmp_path: Path, text: str, line: int) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    done = ask(program, file)
    assert done.returncode == 2
    assert done.stderr.startswith(f"light-ids: {file}:{line}: found '")
    assert ", expected " in done.stderr
    assert done.stderr.removesuffix("\n").isprintable()


def test_what_is_no_pattern_is_shown_escaped_and_shortened(program: Path, tmp_path: Path) -> None:
    file = tmp_path / "a\x1b[1mb"
    for contents, shown in (
        (b"\x1b[31m\\\xff\0", r"'\x1b[31m\x5c\xff\x00'"),
        (b"z" * 400, f"'{'z' * 60}...'"),
    ):
        file.write_bytes(contents + b"\n")
        expected = "expected 1 to 256 bytes in hexadecimal"
        assert (
            ask(program, file).stderr
            == rf"light-ids: {tmp_path}/a\x1b[1mb:1: found {shown}, {expected}" + "\n"
        )


@pytest.mark.parametrize(
    ("endless", "said"),
    [
        ("cat /dev/zero", r"1: found '\x00"),
        ("yes 41", " more than 1 MiB, expected fewer patterns"),
        ("tr '\\0' 4 </dev/zero", "1: found '444"),
    ],
)
def test_what_has_no_end_is_refused(program: Path, endless: str, said: str) -> None:
    line = f'{endless} | "$0" /dev/stdin'
    done = subprocess.run(
        ["sh", "-c", line, str(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"light-ids: /dev/stdin:{said}")


def test_a_file_of_the_largest_size_is_read(program: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("414243\n" * (2**20 // 7))
    assert ask(program, file).returncode == 0
    file.write_text("414243\n" * (2**20 // 7 + 1))
    assert ask(program, file).stderr == f"light-ids: {file}: more than 1 MiB, expected fewer patterns\n"


def test_a_file_that_cannot_be_read_is_told(program: Path, tmp_path: Path) -> None:
    for file, reason in ((tmp_path, "Is a directory"), (tmp_path / "none", "No such file or directory")):
        done = ask(program, file)
        assert done.returncode == 2
        assert done.stderr == f"light-ids: {file}: {reason}\n"
