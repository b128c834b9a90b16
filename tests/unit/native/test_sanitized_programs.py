# SPDX-License-Identifier: MIT
"""Programs of native/ under ASAN, UBSAN and leak checking, on models of what is around them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from . import sanitized
from .sanitized import HERE, NATIVE, compat_library, compile_program, i686

_DAQ = (
    HERE / "daq_calls.c",
    HERE / "fuzz/daq_host.c",
    HERE / "compat_device.c",
    *sorted((NATIVE / "daq").glob("*.c")),
    *(NATIVE / f"libfastqueue/{name}.c" for name in ("ring", "verdict", "empty")),
)
_PROGRAM = ("-Dmain=program_main", "-Dfflush=program_ready")


def run(*argv: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; the sanitizers may have nothing to say."""
    done = subprocess.run(
        list(map(str, argv)),
        env={**sanitized.ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Sanitizer" not in done.stderr, done.stderr
    assert "runtime error" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module")
def light_ids(folder: Path) -> Path:
    own = (NATIVE / f"light-ids/{name}.c" for name in ("main", "patterns"))
    sources = [*own, *compat_library(), HERE / "compat_device.c", HERE / "compat_handlers.c"]
    return compile_program(folder / "light-ids", sources, flags=_PROGRAM)


def test_the_light_ids_drops_what_has_a_pattern(light_ids: Path, tmp_path: Path) -> None:
    patterns = tmp_path / "patterns"
    patterns.write_text("050505\n07\n00ff\n")
    done = run(light_ids, patterns)
    assert (done.returncode, done.stdout) == (0, "ready: queue 0\n"), done.stderr
    expected = {f"{number}:{int(number % 256 not in {5, 7})}:0:-1" for number in range(300)}
    assert set(done.stderr.split()) == expected


def test_the_light_ids_without_patterns(light_ids: Path, tmp_path: Path) -> None:
    for words in ((), ("a", "b"), ("--file",)):
        done = run(light_ids, *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("usage: light-ids FILE")
    done = run(light_ids, tmp_path / "none")
    assert done.returncode == 2
    assert "No such file or directory" in done.stderr
    wrong = tmp_path / "wrong"
    wrong.write_text("41\nx\n")
    done = run(light_ids, wrong)
    assert (done.returncode, done.stdout) == (2, "")
    assert "wrong:2: found 'x', expected 1 to 256 bytes in hexadecimal" in done.stderr
    assert run(light_ids, "--help").stdout.startswith("usage: light-ids FILE")


@pytest.mark.parametrize("name", ["FASTQUEUE_GSO", "FASTQUEUE_WHOLE_MESSAGES"])
@pytest.mark.parametrize("value", ["yes", "2", "01", " 1", "-1"])
def test_a_variable_that_is_neither_0_nor_1_is_refused(
    light_ids: Path, launcher: Path, tmp_path: Path, name: str, value: str
) -> None:
    patterns = tmp_path / "patterns"
    patterns.write_text("07\n")
    done = run(light_ids, patterns, **{name: value}, SHOW_LOG="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == f"the environment's {name} is neither 0 nor 1"
    done = run(launcher, "true", **{name: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"fastqueue-run: the environment's {name} is neither 0 nor 1\n"


@pytest.mark.parametrize("value", ["", "0", "1"])
def test_variables_that_are_0_or_1_are_taken(
    light_ids: Path, launcher: Path, tmp_path: Path, value: str
) -> None:
    patterns = tmp_path / "patterns"
    patterns.write_text("07\n")
    for name in ("FASTQUEUE_GSO", "FASTQUEUE_WHOLE_MESSAGES"):
        done = run(light_ids, patterns, **{name: value}, SHOW_LOG="1")
        assert done.returncode == 0
        flags = "0x4" if (name, value) == ("FASTQUEUE_GSO", "1") else "0"
        assert f"flags {flags}" in done.stderr.splitlines()
        assert run(launcher, "true", **{name: value}, LD_PRELOAD="").returncode == 0


@pytest.fixture(scope="module")
def baseline(folder: Path) -> Path:
    own = (NATIVE / f"nfqueue-baseline/{name}.c" for name in ("main", "options", "queue", "receive"))
    common = (NATIVE / f"common/{name}.c" for name in ("arguments", "signals"))
    sources = [*own, *common, *compat_library(), HERE / "compat_device.c", HERE / "compat_handlers.c"]
    return compile_program(
        folder / "baseline",
        sources,
        machine=i686(),
        flags=_PROGRAM,
        libraries=("-l:libnetfilter_queue.a", "-lmnl", "-ldl"),
    )


@pytest.mark.parametrize(("words", "verdict"), [((), 1), (("--drop", "--batch", "7", "--gso"), 0)])
def test_the_baseline_answers_each_packet(baseline: Path, words: tuple[str, ...], verdict: int) -> None:
    done = run(baseline, *words)
    assert done.returncode == 0, done.stderr
    assert "received 300," in done.stdout
    assert set(done.stderr.split()) == {f"{number}:{verdict}:0:-1" for number in range(300)}


@pytest.fixture(scope="module")
def daq(folder: Path) -> Path:
    return compile_program(folder / "daq", _DAQ, machine=i686(), libraries=("-l:libsfbpf.a",))


#: Accept (1) or drop (0), which fields come with it, and the first byte of changed contents: for pass, block,
#: replace, whitelist, blacklist, ignore, retry and a number that is no verdict.
_INLINE = ["0:1:0:-1", "1:0:0:-1", "2:1:128:200", "3:1:0:-1", "4:0:0:-1", "5:1:0:-1", "6:0:0:-1", "7:0:0:-1"]
_MARKED = [*_INLINE[:3], "3:1:32:-1", "4:0:0:-1", "5:1:32:-1", *_INLINE[6:]]
_PASSIVE = [f"{number}:1:0:-1" for number in range(8)]


@pytest.mark.parametrize(
    ("words", "settled"),
    [
        (("inline", "queue=3"), _INLINE),
        (("inline", "queue=3", "bypass_mark=0x50", "frames=8"), _MARKED),
        (("inline", "queue=03", "bypass_mark=80", "frames=00000000008"), _MARKED),
        (("passive", "queue=3", "fail_open"), _PASSIVE),
    ],
)
def test_verdicts_of_the_daq_module(daq: Path, words: tuple[str, ...], settled: list[str]) -> None:
    done = run(daq, *words)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.split() == settled
    assert second == "received 8, blocked 2"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("queue=65536", "bad value: queue=65536"),
        ("queue=010x", "bad value: queue=010x, expected a number from 0 to 65535"),
        ("queue=0x10", "bad value: queue=0x10, expected a number from 0 to 65535"),
        ("queue=+1", "bad value: queue=+1, expected a number from 0 to 65535"),
        ("queue=99999999999999999999", "bad value: queue=99999999999999999999, expected a number"),
        ("queue", "bad value: queue="),
        ("frames=9", "bad value: frames=9, expected a power of two from 8 to 65536"),
        ("frames=0x10", "bad value: frames=0x10, expected a power of two from 8 to 65536"),
        ("frames=4", "bad value: frames=4, expected a power of two from 8 to 65536"),
        (
            "bypass_mark=0x",
            "bad value: bypass_mark=0x, expected a decimal number from 0 to 4294967295, or a ",
        ),
        ("bypass_mark=0x0x1", "bad value: bypass_mark=0x0x1, expected a decimal number"),
        ("bypass_mark=ff", "bad value: bypass_mark=ff, expected a decimal number"),
        ("bypass_mark=4294967296", "bad value: bypass_mark=4294967296, expected a decimal number"),
        ("proto=ip5", "bad value: proto=ip5, expected ip4 or ip6"),
        ("fail_open=1", "bad value: fail_open=1, expected no value"),
        ("gso=0", "bad value: gso=0, expected no value"),
        (
            "other=1",
            "no such variable: other=1, expected queue, proto, frames, bypass_mark, fail_open or gso",
        ),
    ],
)
def test_wrong_variables_of_the_daq_module(daq: Path, word: str, said: str) -> None:
    done = run(daq, "inline", word)
    assert done.returncode == 1
    assert done.stdout.startswith(f"fastqueue: {said}")


@pytest.fixture(scope="module")
def launcher(folder: Path) -> Path:
    source = NATIVE / "nfqueue-compat/fastqueue-run.c"
    return compile_program(folder / "fastqueue-run", [source], flags=('-DPLACE="/nonexistent"',))


def test_the_launcher_sets_what_a_program_needs(launcher: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$LD_PRELOAD $FASTQUEUE_GSO $*"\nexit 5\n')
    program.chmod(0o755)
    library = "/nonexistent/libnetfilter_queue.so.1"
    for words in ((program, "a b"), ("program", "a b")):
        done = run(launcher, "--gso", *words, PATH=f"{tmp_path}:/nonexistent::/usr/bin:/bin")
        assert done.returncode == 5
        assert done.stdout.startswith(library)
        assert done.stdout.endswith(" 1 a b\n")
    done = run(launcher, "--environment", LD_PRELOAD="")
    assert done.stdout.startswith(f"LD_PRELOAD={library}")


@pytest.mark.parametrize(
    ("words", "status"),
    [((), 2), (("--help",), 0), (("--gso",), 2), (("--other", "x"), 2), (("none-such",), 127), (("/",), 126)],
)
def test_the_launcher_says_what_is_wrong(launcher: Path, words: tuple[str, ...], status: int) -> None:
    done = run(launcher, *words)
    assert done.returncode == status
    assert done.stdout if status == 0 else done.stderr


def test_the_librarys_arithmetic(folder: Path) -> None:
    names = ("check", "queue", "mmap", "empty", "ring", "verdict", "control")
    sources = [NATIVE / f"libfastqueue/{name}.c" for name in names]
    done = run(compile_program(folder / "check", sources))
    assert (done.returncode, done.stdout) == (0, "libfastqueue: arithmetic checked\n")


def test_a_fault_is_noticed(tmp_path: Path) -> None:
    """In a program that is built and run in the same way, on both machines."""
    source = tmp_path / "fault.c"
    source.write_text(
        "#include <stdlib.h>\nint main(int n, char **v) { (void)v; return !malloc(n * 100); }\n"
    )
    for machine in (sanitized.HOST, i686()):
        program = compile_program(tmp_path / "fault", [source], machine=machine)
        with pytest.raises(AssertionError, match="LeakSanitizer"):
            run(program)
