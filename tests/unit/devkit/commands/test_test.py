# SPDX-License-Identifier: MIT
"""Which pytest runs a request means, and what their statuses mean."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from devkit.commands import test
from devkit.host.errors import KitError
from devkit.target import line_coverage
from tests import other_user


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


PYTEST = [sys.executable, "-P", "-m", "pytest"]


def test_unit_tests_come_first() -> None:
    assert test.plan(None, None, []) == [[*PYTEST, "tests/unit"], [*PYTEST, "tests/integration"]]


def test_selection_and_arguments_are_passed_on() -> None:
    assert test.plan("unit", "cache", ["-x", "-v"]) == [[*PYTEST, "-k", "cache", "-x", "-v", "tests/unit"]]


def test_a_path_is_run_alone() -> None:
    path = "tests/unit/devkit/commands/test_test.py::test_a_path_is_run_alone"
    assert test.plan(None, None, ["-x", path]) == [[*PYTEST, "-x", path]]


def test_fuzz_targets_alone_get_seconds_and_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[list[str]], dict[str, str]]] = []
    monkeypatch.setattr(test, "_run", lambda lines, environment: seen.append((lines, environment)))
    test.run_fuzz_targets(60, 7, "rule_file", ["-x"])
    test.run_fuzz_targets(5)
    words = ["-m", "fuzz", "-s"]
    assert seen == [
        (
            [[*PYTEST, "-k", "rule_file", *words, "-x", "tests/unit"]],
            {"FASTQUEUE_FUZZ_SECONDS": "60", "FASTQUEUE_FUZZ_SEED": "7"},
        ),
        ([[*PYTEST, *words, "tests/unit"]], {"FASTQUEUE_FUZZ_SECONDS": "5"}),
    ]


def test_the_environment_of_fuzz_targets_reaches_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[dict[str, str]] = []

    def run(argv: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[bytes]:
        found.append(env)
        return subprocess.CompletedProcess(argv, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("FASTQUEUE_OTHER", "stays")
    test.run_fuzz_targets(60)
    assert found[0]["FASTQUEUE_FUZZ_SECONDS"] == "60"
    assert found[0]["FASTQUEUE_OTHER"] == "stays"


@pytest.mark.parametrize("taken", [False, True])
def test_the_tests_files_are_in_a_private_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, taken: bool
) -> None:
    """Also where somebody else was first with its name, as anybody may be in /tmp."""
    places: list[Path] = []

    def run(argv: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[bytes]:
        places.append(Path(env["PYTEST_DEBUG_TEMPROOT"]))
        return subprocess.CompletedProcess(argv, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("PYTEST_DEBUG_TEMPROOT", raising=False)
    if taken:
        (tmp_path / f"fq-tests-{os.geteuid()}").symlink_to("/usr")
    test.run_tests("unit")
    (place,) = places
    assert place.parent == tmp_path
    assert not place.is_symlink()
    assert (place.stat().st_mode & 0o777, place.stat().st_uid) == (0o700, os.geteuid())


@other_user.needs_root
def test_root_is_not_kept_from_its_tests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By a user who made the directories of root's tests, pytest's and the kit's, beforehand."""
    for name in ("pytest-of-root", "fq-tests-0"):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, other_user.UID, other_user.UID)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("PYTEST_DEBUG_TEMPROOT", raising=False)
    file = tmp_path / "test_one.py"
    file.write_text("def test_one(tmp_path):\n    (tmp_path / 'file').touch()\n")
    test._run([[*PYTEST, "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(file)]])


def test_pytest_ends_with_its_owner(tmp_path: Path) -> None:
    child = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
    program = (
        "import sys; from devkit.commands.test import _run; "
        f"_run([[sys.executable, '-P', '-c', {child!r}, sys.argv[1]]])"
    )
    place = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-P", "-c", program, place], stdout=subprocess.DEVNULL) as owner:
        eventually(lambda: place.exists() and place.read_text() != "")
        pid = int(place.read_text())
        owner.kill()
    eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_fuzz_targets_take_time() -> None:
    with pytest.raises(KitError, match="--fuzz must be at least 1"):
        test.run_fuzz_targets(-1)


def test_another_kernel_needs_no_unit_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = _statuses(monkeypatch, [0])
    test.run_tests(kernel="6.1")
    assert seen == ["tests/integration"]


def test_another_kernel_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(test, "_run", asked.extend)
    test.run_tests(kernel="newest")
    assert asked == [[*PYTEST, "--kernel=newest", "tests/integration"]]


def test_unknown_kernel_is_refused_before_anything_runs() -> None:
    with pytest.raises(KitError, match="there is no kernel 'linux'"):
        test.run_tests(kernel="linux")


def test_each_debug_kernel_gets_what_reaches_the_module() -> None:
    folders = ["tests/integration/packets", "tests/integration/safety"]
    assert test.plan_debug("accept", ["-x"]) == [
        [*PYTEST, "-k", "accept", "-x", "--timeout=1500", f"--kernel={name}", *folders]
        for name in ("lockdep", "kasan", "kcsan", "rt")
    ]


def test_a_path_is_run_alone_on_the_debug_kernels_too() -> None:
    path = "tests/integration/safety/test_soak.py"
    names = ("lockdep", "kasan", "kcsan", "rt")
    assert test.plan_debug(None, [path]) == [
        [*PYTEST, path, "--timeout=1500", f"--kernel={name}"] for name in names
    ]


def test_coverage_is_of_one_run_on_the_kernel_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [f"tests/integration/{name}" for name in ("packets", "safety", "compat")]
    (line,) = test.plan_coverage(None, [])
    assert line == [*PYTEST, "--timeout=1500", "--kernel=coverage", *folders]


def test_coverage_is_shown_also_where_a_test_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr(line_coverage, "forget", lambda: None)
    monkeypatch.setattr(line_coverage, "measure", lambda: ["counts"])
    monkeypatch.setattr(line_coverage, "show", shown.append)
    _statuses(monkeypatch, [1])
    with pytest.raises(KitError, match="status 1"):
        test.run_tests(measured=True)
    assert shown == [["counts"]]


def _statuses(monkeypatch: pytest.MonkeyPatch, statuses: Iterable[int]) -> list[str]:
    left, seen = list(statuses), []

    def run(argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        seen.append(argv[-1])
        return subprocess.CompletedProcess(argv, left.pop(0))

    monkeypatch.setattr(subprocess, "run", run)
    return seen


def test_failing_unit_tests_end_it_with_their_status(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = _statuses(monkeypatch, [1])
    with pytest.raises(KitError) as caught:
        test.run_tests()
    assert (caught.value.code, caught.value.status) == ("FQ-TEST", 1)
    assert seen == ["tests/unit"]


def test_a_selection_may_leave_a_folder_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    _statuses(monkeypatch, [0, 5])
    test.run_tests(expression="cache")


def test_nothing_selected_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    _statuses(monkeypatch, [5, 5])
    with pytest.raises(KitError, match="no test was selected"):
        test.run_tests(expression="nonsense")


def test_a_disk_is_for_the_tests_that_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[list[str]] = []
    monkeypatch.setattr(test, "_run", lines.extend)
    test.run_tests(source="disk")
    assert lines == [[*PYTEST, "--from=disk", "tests/integration"]]


def test_an_unknown_base_is_refused_before_anything_runs() -> None:
    with pytest.raises(KitError, match="there is no base 'gentoo'") as caught:
        test.run_tests(base="gentoo")
    assert (caught.value.code, caught.value.status) == ("FQ-BASE", 2)


@pytest.mark.parametrize(
    "more",
    [{"kernel": "6.1"}, {"debug": True}, {"measured": True}, {"source": "disk"}, {"base": "debian"}],
)
def test_a_board_runs_what_it_was_flashed_with(more: dict[str, Any]) -> None:
    with pytest.raises(KitError, match="was flashed with") as caught:
        test.run_tests(target="serial:/dev/ttyUSB0", **more)
    assert (caught.value.code, caught.value.status) == ("FQ-ARGUMENT", 2)


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({"debug": True, "measured": True}, "--debug and --coverage"),
        ({"kernel": "6.1", "measured": True}, "--kernel and --coverage"),
        ({"kernel": "6.1", "debug": True}, "--kernel and --debug"),
        ({"kernel": "6.1"}, "--kernel"),
        ({"debug": True}, "--debug"),
        ({"measured": True}, "--coverage"),
        ({"source": "disk"}, "--from"),
        ({"base": "debian"}, "--base"),
        ({"target": "serial:/dev/ttyUSB0"}, "--target"),
    ],
)
def test_options_that_exclude_each_other(
    more: dict[str, Any], options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is passed over, and pytest is not asked what it makes of both."""
    monkeypatch.setattr(test, "_run", lambda _: pytest.fail("pytest was run"))
    monkeypatch.setattr(test, "_run_measured", lambda _: pytest.fail("pytest was run"))
    with pytest.raises(KitError, match=options) as caught:
        test.run_tests("unit" if " and " not in options else None, **more)
    assert (caught.value.code, caught.value.status) == ("FQ-ARGUMENT", 2)
