# SPDX-License-Identifier: MIT
"""The C library's arithmetic, and handlers that say the same in C and in Python; built for this machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .sanitized import SANITIZERS, compile_program

PROJECT = Path(__file__).parents[3]
NATIVE = PROJECT / "native"


def run(*argv: str | Path, python_path: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command, and wait for it."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": python_path, "LC_ALL": "C"}
    return subprocess.run(
        list(map(str, argv)), env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with what the Makefile makes without netfilter's libraries."""
    folder = tmp_path_factory.mktemp("native")
    flags = f"-O1 -Wall -Wextra -Werror {' '.join(SANITIZERS)}"
    done = run("make", "-C", NATIVE, f"O={folder}", "CC=gcc", f"CFLAGS={flags}", "fastqueue", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arithmetic checked" in done.stdout
    return folder


@pytest.mark.parametrize("given", ["argument", "environment"])
def test_the_compatibility_library_is_one_unit_whoever_gives_the_flags(tmp_path: Path, given: str) -> None:
    """Buildroot gives CFLAGS as make's argument, where a Makefile adds nothing to them."""
    words = ["make", "-n", "-C", str(NATIVE), f"O={tmp_path}", "CFLAGS=-Os", "compat"]
    done = run(*words) if given == "argument" else run("env", words.pop(-2), *words)
    compiled = [line for line in done.stdout.splitlines() if " -c " in line and "nfqueue-compat/" in line]
    library = [line for line in compiled if "fastqueue-run" not in line and "stand-in" not in line]
    assert len(library) > 20
    assert all("-Os -fPIC -O3 -flto" in line for line in library)
    (linked,) = (line for line in done.stdout.replace("\\\n", "").splitlines() if "compat.map" in line)
    assert "-flto -fPIC" in linked


def long_options(help_text: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z-]+", help_text)) - {"--help"}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "fastqueue", *arguments, python_path=str(PROJECT / "pyhandler" / "src"))


def test_the_c_handler_has_the_python_handlers_options(built: Path) -> None:
    in_c = long_options(run(built / "handlers" / "fq-null", "--help").stdout)
    in_python = long_options(python("run", "--help").stdout)
    assert in_c - in_python == {"--drop", "--realtime"}
    assert in_python - in_c == {"--batch", "--one-by-one"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--queue", "x"], "found 'x', expected a number"),
        (["--queue", "-1"], "found '-1', expected a number"),
        (["--queue", "+1"], "found '+1', expected a number"),
        (["--queue", " 1"], "found ' 1', expected a number"),
        (["--queue", "0x1"], "found '0x1', expected a number"),
        (["--queue", ""], "found '', expected a number"),
        (["--frames", "4294967296"], "found '4294967296', expected a number"),
        (["--default", "reject"], "found 'reject', expected accept or drop"),
        (["more"], "found 'more', expected options only"),
        (["--other"], "unrecognized option '--other'"),
    ],
)
def test_wrong_arguments_of_the_c_handler(built: Path, arguments: list[str], expected: str) -> None:
    done = run(built / "handlers" / "fq-null", *arguments)
    assert done.returncode == 2
    assert expected in done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--queue=65536"], "found '65536', expected a number from 0 to 65535"),
        (["--queue=4294967295"], "found '4294967295', expected a number from 0 to 65535"),
        (["--frames=3"], "found '3', expected a number from 8 to 65536"),
        (["--frames=131072"], "found '131072', expected a number from 8 to 65536"),
        (["--frames=9"], "found '--frames 9', expected a power of two"),
        (["--frame-size=63"], "found '63', expected a number from 64 to 65536"),
        (["--frame-size=65600"], "found '65600', expected a number from 64 to 65536"),
        (["--frame-size=100"], "found '--frame-size 100', expected a multiple of 64"),
        (["--copy-range=2049"], "found '--copy-range 2049', expected at most the frame's size"),
        (
            ["--copy-range=65", "--frame-size=64"],
            "found '--copy-range 65', expected at most the frame's size",
        ),
        (["--period-us=49"], "found '--period-us 49', expected 0, or 50 or more"),
        (["--period-us=1000001"], "found '1000001', expected a number from 0 to 1000000"),
        (["--timeout-ms=4294967296"], "found '4294967296', expected a number from 0 to 4294967295"),
    ],
)
def test_rings_that_the_kernel_refuses_are_wrong_arguments_in_c_and_in_python(
    built: Path, words: list[str], expected: str
) -> None:
    done = run(built / "handlers" / "fq-null", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{built}/handlers/fq-null: {expected}; see --help\n"
    assert python("run", *words, "null").returncode == 2


@pytest.mark.parametrize(
    "words",
    [
        ["--queue=65535", "--frames=8", "--frame-size=64", "--copy-range=64", "--period-us=50"],
        ["--queue=0", "--frames=65536", "--frame-size=65536", "--copy-range=65536", "--period-us=1000000"],
        ["--period-us=0", "--timeout-ms=4294967295", "--copy-range=0"],
    ],
)
def test_rings_at_the_limits_are_no_wrong_arguments(built: Path, words: list[str]) -> None:
    """A later wrong word ends the program before it asks for one."""
    for last, status in ((["--help"], 0), (["more"], 2)):
        done = run(built / "handlers" / "fq-null", *words, *last)
        assert done.returncode == status
        assert "expected a" not in done.stderr
        assert "options only" in done.stderr or not done.stderr


@pytest.mark.parametrize("text", ["\x1b[31m", "\n", "\\", "ä", "x" * 61])
def test_wrong_words_are_shown_escaped_and_shortened(built: Path, text: str) -> None:
    done = run(built / "handlers" / "fq-null", text)
    shown = "".join(
        chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in text.encode()
    )
    shown = f"{shown[:60]}..." if len(text) > 60 else shown
    assert done.stderr == f"{built}/handlers/fq-null: found '{shown}', expected options only; see --help\n"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bench's source of packets, whose command line needs no target."""
    parts = [*sorted((NATIVE / "bench-source").glob("*.c")), NATIVE / "common/arguments.c"]
    return compile_program(tmp_path_factory.mktemp("source") / "bench-source", parts)


@pytest.mark.parametrize(
    "address",
    ["", "aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:ff:00", "0x:bb:cc:dd:ee:ff", "+1:bb:cc:dd:ee:ff", "aa: b:c:d:e:f"],
)
def test_an_address_that_is_none_is_refused(source: Path, address: str) -> None:
    done = run(source, "--interface", "a", "--out", "b", "--destination", address)
    assert done.returncode == 2
    assert done.stderr.endswith(f"found '{address}', expected a MAC address; see --help\n")


@pytest.mark.parametrize("option", ["--interface", "--out"])
@pytest.mark.parametrize("name", ["", "x" * 16])
def test_a_name_that_no_interface_has_is_refused(source: Path, option: str, name: str) -> None:
    done = run(source, option, name)
    assert done.returncode == 2
    assert done.stderr.endswith(
        f"found '{name}', expected an interface's name of 1 to 15 bytes; see --help\n"
    )


@pytest.mark.parametrize("port", ["xyz", "", "0", "65536", "+80", " 80", "80x", "0x50", "-1"])
def test_a_port_that_is_none_is_refused(built: Path, port: str) -> None:
    done = run(built / "examples/drop-port", port)
    assert (done.returncode, done.stderr) == (2, "usage: drop-port [PORT]    (1 to 65535; 5001)\n")


def test_words_that_an_example_does_not_take_are_refused(built: Path) -> None:
    for words in (["examples/drop-port", "80", "81"], ["examples/accept", "80"]):
        done = run(built / words[0], *words[1:])
        assert done.returncode == 2
        assert done.stderr


@pytest.mark.parametrize("words", [["x"], ["80\ndefault drop"], ["80", "81"], ["-1"]])
def test_the_shell_example_takes_a_port_alone(words: list[str]) -> None:
    done = run("sh", NATIVE / "examples/block.sh", *words)
    assert (done.returncode, done.stderr) == (2, "usage: block.sh [PORT]    (5001)\n")


def test_without_the_module_both_say_what_to_do(built: Path) -> None:
    if Path("/dev/fastqueue").exists():
        pytest.skip("this machine has the module")
    for done in (run(built / "handlers" / "fq-null"), python("run", "null")):
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.endswith("the module is not loaded; load it: modprobe fastqueue\n")
        assert done.stderr.count("\n") == 1
