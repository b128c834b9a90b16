# SPDX-License-Identifier: MIT
"""The C extension under sanitizers: no memory error, no undefined behaviour and no leak in any unit test."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from .conftest import BUILT
from .extension import build
from .sanitized import FLAGS, Outcome, run

HERE = Path(__file__).parent
#: Tests of Python alone take long under sanitizers and show nothing.
WITHOUT_C = [
    "rules",
    *(f"test_{name}.py" for name in ("sanitizers", "top", "abi", "cli", "loading", "packet", "room")),
]
WITHOUT_C_TARGETS = "not rule_file and not expression and not five_tuple"
TEST_FILE = """\
import sys
sys.path.insert(0, {folder!r})
import faulty

def test_one():
    for _ in range(5):
        faulty.{call}
"""


@pytest.fixture
def implemented() -> None:
    """Run once."""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module with faults, built as the extension is."""
    built = tmp_path_factory.mktemp("faulty") / "faulty.so"
    headers = f"-I{sysconfig.get_path('include')}"
    argv = ["gcc", "-shared", "-fPIC", *FLAGS.split(), headers, "-o", str(built), str(HERE / "faulty.c")]
    subprocess.run(argv, check=True)
    return built


@pytest.mark.timeout(600)
def test_the_extension_has_no_fault_in_any_unit_test(tmp_path: Path) -> None:
    built = build(tmp_path, FLAGS)
    argv = ["-m", "pytest", "-qs", "-p", "no:cacheprovider", str(HERE), "-k", WITHOUT_C_TARGETS]
    argv += [f"--ignore={HERE / name}" for name in WITHOUT_C]
    done = run(argv, tmp_path / "report", {**os.environ, BUILT: str(built)})
    assert not done.reports, "\n".join(done.reports) + done.output
    assert done.status == 0, done.output
    assert " passed" in done.output


def _tested(call: str, faulty: Path, folder: Path) -> Outcome:
    """Run a test that calls a function of the faulty module."""
    test = folder / "test_faulty.py"
    test.write_text(TEST_FILE.format(folder=str(faulty.parent), call=call))
    return run(["-m", "pytest", "-qs", "-p", "no:cacheprovider", str(test)], folder / "report")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("overflow(8)", "heap-buffer-overflow"),
        ("leak(1000)", "LeakSanitizer: detected memory leaks"),
        ("shift(40)", "shift exponent 40 is too large"),
    ],
)
def test_faults_are_noticed(call: str, said: str, faulty: Path, tmp_path: Path) -> None:
    done = _tested(call, faulty, tmp_path)
    assert any(said in report for report in done.reports), done
    assert done.status != 0


@pytest.mark.parametrize("call", ["overflow(7)", "shift(4)"])
def test_nothing_is_said_of_what_is_right(call: str, faulty: Path, tmp_path: Path) -> None:
    done = _tested(call, faulty, tmp_path)
    assert (done.status, done.reports) == (0, []), done
