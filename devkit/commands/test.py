# SPDX-License-Identifier: MIT
"""The test suite: unit tests first, then those that boot targets."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from devkit.host import private_dir, run_command
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.host.progress import say
from devkit.image.base_choice import check_name as check_base
from devkit.image.kernel_flavour import COVERAGE, DEBUG, flavour
from devkit.qemu import boot_disk
from devkit.target import line_coverage
from devkit.target.serial import Address

#: Where pytest makes its temporary directories.
_TEMPORARY = "PYTEST_DEBUG_TEMPROOT"

#: What pytest answers where a selection (-k, -m) leaves no test of a folder.
NOTHING_SELECTED = 5


#: What the debug kernels are for: all that reaches the module. The kit itself is the same on each.
DEBUG_FOLDERS = ("tests/integration/packets", "tests/integration/safety")
#: What is counted for the coverage of the module: all tests that use it.
COVERAGE_FOLDERS = (*DEBUG_FOLDERS, "tests/integration/compat")
#: Seconds for a test there: they are several times slower.
_DEBUG_TIME = "--timeout=1500"


def plan(only: str | None, expression: str | None, arguments: Sequence[str]) -> list[list[str]]:
    """Command lines of pytest, in order.

    only: unit, integration or None for both; expression: pytest's -k; arguments: passed on as
    they are. With a path among them there is one run, of just that.
    """
    paths = [word for word in arguments if (PROJECT / word.split("::")[0]).exists()]
    folders = [] if paths else [f"tests/{part}" for part in ("unit", "integration") if only in {None, part}]
    selection = ["-k", expression] if expression else []
    base = run_command.python("-m", "pytest", *selection, *arguments)
    return [[*base, folder] for folder in folders] or [base]


def plan_debug(expression: str | None, arguments: Sequence[str]) -> list[list[str]]:
    """Command lines of pytest for the debug kernels, one each; arguments as for ``plan``."""
    lines = []
    for one in DEBUG:
        (argv,) = plan("integration", expression, [*arguments, _DEBUG_TIME, f"--kernel={one.name}"])
        lines.append([*argv[:-1], *DEBUG_FOLDERS] if argv[-1] == "tests/integration" else argv)
    return lines


def plan_coverage(expression: str | None, arguments: Sequence[str]) -> list[list[str]]:
    """Command line of pytest for the kernel that counts lines; arguments as for ``plan``.

    One run and one target, so that the counters of all folders add up.
    """
    arguments = [*arguments, _DEBUG_TIME, f"--kernel={COVERAGE.name}"]
    (argv,) = plan("integration", expression, arguments)
    return [[*argv[:-1], *COVERAGE_FOLDERS] if argv[-1] == "tests/integration" else argv]


def plan_board(target: str, expression: str | None, arguments: Sequence[str]) -> list[list[str]]:
    """Command lines of pytest for a board; KitError FQ-ARGUMENT where ``target`` is no address of one."""
    Address.parse(target)
    return plan("integration", expression, [*arguments, f"--target={target}"])


def plan_fuzz(seconds: int, expression: str | None, arguments: Sequence[str]) -> list[list[str]]:
    """Command line of pytest for the fuzz targets alone; KitError FQ-ARGUMENT if they get no time."""
    if seconds < 1:
        raise KitError("FQ-ARGUMENT", "--fuzz must be at least 1", "it is seconds for each target", status=2)
    return plan("unit", expression, ["-m", "fuzz", "-s", *arguments])


def run_fuzz_targets(
    seconds: int, seed: int = 0, expression: str | None = None, arguments: Sequence[str] = ()
) -> None:
    """Run each fuzz target of the tests for some seconds; KitError FQ-TEST where one fails.

    seed: of the inputs, 0 for the suite's own.
    """
    environment = {"FASTQUEUE_FUZZ_SECONDS": str(seconds)}
    if seed:
        environment["FASTQUEUE_FUZZ_SEED"] = str(seed)
    _run(plan_fuzz(seconds, expression, arguments), environment)


def run_tests(
    only: str | None = None,
    expression: str | None = None,
    arguments: Sequence[str] = (),
    *,
    kernel: str | None = None,
    debug: bool = False,
    measured: bool = False,
    target: str | None = None,
    source: str = "kernel",
    base: str = "auto",
) -> None:
    """Run the suite; KitError FQ-TEST, with pytest's exit status, where a test fails.

    kernel: flavour of the targets' kernel; the unit tests, which need none, are left out then.
    debug: the tests that reach the module, on each debug kernel.
    measured: the tests that use the module, with a table of the lines of it that ran.
    target: a board instead of QEMU (``serial:/dev/ttyUSB0``): the tests that need only a shell there.
    base: image of the targets; with buildroot the unit tests, which need none, are left out.
    source: kernel, or disk: the session's target boots from the disk image, as a board does.
    Integration tests are left out where unit tests fail: they would say the same, later.
    KitError FQ-ARGUMENT where options exclude each other.
    """
    check_base(base)
    kernels = _given({"--kernel": kernel, "--debug": debug, "--coverage": measured})
    _check_options(only, target, kernels, _given({"--from": source != "kernel", "--base": base != "auto"}))
    if boot_disk.parse(source):
        arguments = [*arguments, "--from=disk"]
        only = only or "integration"
    if base != "auto":
        arguments = [*arguments, f"--base={base}"]
        only = only or "integration"
    if target:
        _run(plan_board(target, expression, arguments))
    elif measured:
        _run_measured(plan_coverage(expression, arguments))
    elif debug:
        _run(plan_debug(expression, arguments))
    elif kernel:
        name = flavour(kernel).name
        _run(plan(only or "integration", expression, [*arguments, f"--kernel={name}"]))
    else:
        _run(plan(only, expression, arguments))


def _given(options: Mapping[str, object]) -> list[str]:
    return [option for option, value in options.items() if value]


def _check_options(only: str | None, target: str | None, kernels: list[str], images: list[str]) -> None:
    """Refuse options that exclude each other; ``kernels`` and ``images`` say what is booted."""
    booted = [*kernels, *images]
    if target and booted:
        what = "a board runs what it was flashed with"
        raise KitError("FQ-ARGUMENT", what, f"--target without {', '.join(booted)}", status=2)
    if len(kernels) > 1:
        what = f"{' and '.join(kernels)} exclude each other: each says which kernel is booted"
        raise KitError("FQ-ARGUMENT", what, "run the tests once for each", status=2)
    about = [*_given({"--target": target}), *booted]
    if only == "unit" and about:
        what = f"the unit tests boot no target, so {' and '.join(about)} cannot be had with --unit"
        raise KitError("FQ-ARGUMENT", what, "leave --unit out, or the others", status=2)


def _run_measured(lines: list[list[str]]) -> None:
    """Run them and show the coverage, also of a run in which a test failed."""
    line_coverage.forget()
    try:
        _run(lines)
    finally:
        line_coverage.show(line_coverage.measure())


def _temporary() -> Path:
    """Return a private directory for the tests' files, whatever name another user was first with in /tmp.

    pytest's own, /tmp/pytest-of-USER, is an error for this user if it is another one's. It is short, for the
    names of sockets.
    """
    place = Path(tempfile.gettempdir()).resolve() / f"fq-tests-{os.geteuid()}"
    try:
        os.close(private_dir.make(place))
    except PermissionError:
        return Path(tempfile.mkdtemp(prefix="fq-tests-"))
    return place


def _run(lines: list[list[str]], environment: Mapping[str, str] | None = None) -> None:
    begun = time.monotonic()
    statuses = []
    own = {_TEMPORARY: str(_temporary()), **os.environ, **(environment or {})}
    for argv in lines:
        started = time.monotonic()
        say(f"$ {shlex.join(['pytest', *argv[4:]])}")
        # It ends with this process, also if that is killed.
        owned = ["setpriv", "--pdeathsig", "TERM", *argv]
        status = subprocess.run(owned, cwd=PROJECT, env=own, check=False).returncode
        statuses.append(status)
        if status not in {0, NOTHING_SELECTED}:
            raise KitError("FQ-TEST", f"pytest ended with status {status}", "see above", status=status)
        say(f"  {time.monotonic() - started:.0f} s")
    if all(status == NOTHING_SELECTED for status in statuses):
        raise KitError("FQ-TEST", "no test was selected", "./inv test without -k runs all", status=5)
    say(f"✓ tests  {time.monotonic() - begun:.0f} s")
