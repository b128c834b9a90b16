# SPDX-License-Identifier: MIT
"""libfastqueue, its examples and the reference handler under ASAN, UBSAN and leak checking."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .test_library import HERE, NATIVE, good, run

FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined"


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``installed`` of the other tests, with programs and library built for the sanitizers."""
    folder = tmp_path_factory.mktemp("sanitized")
    flags = (f"CFLAGS=-O1 -g -Wall -Wextra -Werror {FLAGS}", f"LDFLAGS={FLAGS}")
    good(
        run(
            "make",
            "-C",
            NATIVE,
            f"O={folder}",
            "CC=gcc",
            *flags,
            f"DESTDIR={folder}",
            "fastqueue",
            "install-dev",
        )
    )
    words = ["-shared", "-fPIC", f"-I{folder}/usr/include"]
    good(run("gcc", *words, HERE / "fake_device.c", "-o", folder / "fake_device.so"))
    words = [*FLAGS.split(), f"-I{folder}/usr/include", f"-L{folder}/usr/lib", "-lfastqueue"]
    good(run("gcc", "-g", HERE / "resize.c", *words, "-o", folder / "resize"))
    return folder


def _checked(folder: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program on the model of the device; the sanitizers' library has to come first."""
    runtime = [good(run("gcc", f"-print-file-name={name}")).strip() for name in ("libasan.so", "libubsan.so")]
    done = run(
        *argv,
        LD_PRELOAD=" ".join([*runtime, str(folder / "fake_device.so")]),
        LD_LIBRARY_PATH=str(folder / "usr/lib"),
        ASAN_OPTIONS="detect_leaks=1",
        UBSAN_OPTIONS="print_stacktrace=1",
    )
    assert "Sanitizer" not in done.stderr, done.stderr
    assert "runtime error" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("program", "arguments", "counted"),
    [
        ("examples/accept", [], "accepted 40, dropped 0, invalid 0\n"),
        ("examples/drop-port", ["5001"], "accepted 30, dropped 10, invalid 0\n"),
        ("handlers/fq-null", [], "accepted 40, dropped 0, invalid 0\n"),
        ("handlers/fq-null", ["--drop"], "accepted 0, dropped 40, invalid 0\n"),
        ("handlers/fq-null", ["--queue", "x"], ""),
    ],
)
def test_programs_have_no_fault(sanitized: Path, program: str, arguments: list[str], counted: str) -> None:
    done = _checked(sanitized, sanitized / program, *arguments)
    assert counted in done.stderr


def test_a_ring_is_exchanged_without_a_fault(sanitized: Path) -> None:
    assert _checked(sanitized, sanitized / "resize").stderr == "accepted 1, dropped 39, invalid 0\n"


def test_a_fault_is_noticed(sanitized: Path, tmp_path: Path) -> None:
    """In a program that is built and run in the same way."""
    source = tmp_path / "fault.c"
    source.write_text(
        "#include <stdlib.h>\nint main(int n, char **v) { (void)v; char *p = malloc(4); return p[n + 3]; }"
    )
    good(run("gcc", *FLAGS.split(), source, "-o", tmp_path / "fault"))
    with pytest.raises(AssertionError, match="heap-buffer-overflow"):
        _checked(sanitized, tmp_path / "fault")
