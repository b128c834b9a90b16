# SPDX-License-Identifier: MIT
"""Commands of the host: their failures, and that they die with the kit."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from devkit.host import run_command
from devkit.host.errors import KitError


def test_output_is_returned() -> None:
    assert run_command.run(["echo", "words"]) == "words\n"


def test_failure_has_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "logs/log"
    with pytest.raises(KitError) as caught:
        run_command.run(["sh", "-c", "echo reason; exit 3"], log=log)
    assert caught.value.code == "FQ-COMMAND"
    assert caught.value.lines[-1] == "reason"
    assert caught.value.log == log


def test_the_end_of_a_log_has_a_limit(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first\n" * 10_000 + b"x" * 20_000 + b"\nlast\n")
    lines = run_command.tail(log)
    assert (len(lines), lines[0], lines[-1]) == (25, "first", "last")
    assert len(lines[-2]) < 600
    log.write_bytes(b"x" * (8 << 20))
    assert len("".join(run_command.tail(log))) < 600


def test_missing_tool_and_timeout() -> None:
    with pytest.raises(KitError) as caught:
        run_command.run(["no-such-tool-of-any-kind"])
    assert caught.value.code == "FQ-TOOL"
    with pytest.raises(KitError, match=r"no end after 0\.1 s"):
        run_command.run(["sleep", "5"], timeout=0.1)


def test_compiler_errors_are_shown_and_not_the_noise_after_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x.c:1:1: error: of an earlier run\n")
    script = "echo '/w/ring.c:7:2: error: no semicolon'; seq 100; exit 2"
    with pytest.raises(KitError) as caught:
        run_command.compile_with(
            ["sh", "-c", script], log=log, env={"PATH": "/usr/bin:/bin"}, work=Path("/w")
        )
    assert caught.value.lines == ["ring.c:7:2: error: no semicolon"]


_OWNER = """
import sys
from pathlib import Path
from devkit.host import run_command
argv, environment = ["sh", "-c", sys.argv[1]], {"PATH": "/usr/bin:/bin"}
run_command.compile_with(argv, log=Path(sys.argv[2]), env=environment, work=Path("/w"))
"""


def test_grandchildren_die_with_a_killed_owner(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    ticking = f"(while sleep 0.05; do date >>{mark}; done) & wait"
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, ticking, str(tmp_path / "log")])
    limit = time.monotonic() + 10
    while not mark.exists() and time.monotonic() < limit:
        time.sleep(0.05)
    owner.kill()
    owner.wait()
    time.sleep(0.2)
    size = mark.stat().st_size
    time.sleep(0.3)
    assert mark.stat().st_size == size


def test_tools_run_where_nobody_else_has_files_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command.run(["pwd"]) == "/\n"
    run_command.run(["pwd"], log=tmp_path / "log")
    assert (tmp_path / "log").read_text() == "$ pwd\n/\n"
    assert run_command.run(["pwd"], cwd=tmp_path) == f"{tmp_path}\n"
