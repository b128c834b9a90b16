# SPDX-License-Identifier: MIT
"""The live view: rates, plain lines, a terminal, and how it ends."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fastqueue import abi
from fastqueue.cli import main
from fastqueue.proc import Row
from fastqueue.top import Sample, table

SOURCES = Path(__file__).parents[3] / "pyhandler" / "src"
BEFORE: Row = {
    "queue": 0, "owner": 311, "frames": 2048, "occupied": 3, "received": 1000, "accepted": 900,
    "dropped": 100, "flushed": 0, "default_accepted": 5, "default_dropped": 6, "wakeups": 10,
    "refused": 4, "over_memory": 2,
}  # fmt: skip


def rates(lines: list[list[str]]) -> list[str]:
    return lines[1][3:11]


def test_rates_are_a_second() -> None:
    now: Row = {**BEFORE, "received": 3000, "accepted": 2890, "default_accepted": 9, "default_dropped": 8}
    now |= {"refused": 12, "over_memory": 6}
    lines = table(Sample(10.0, [BEFORE]), Sample(12.0, [now]))
    assert lines[0][:4] == ["QUEUE", "OWNER", "IN RING", "RECEIVED/s"]
    assert lines[1][:3] == ["0", "311", "3/2048"]
    assert rates(lines) == ["1000", "995", "0", "4", "0", "3", "2", "0"]


def test_queues_without_a_past_have_no_rates() -> None:
    other: Row = {**BEFORE, "owner": 312, "received": 1}
    assert rates(table(Sample(1.0, []), Sample(2.0, [BEFORE]))) == ["-"] * 8
    assert rates(table(Sample(1.0, [BEFORE]), Sample(2.0, [other]))) == ["-"] * 8
    assert rates(table(Sample(1.0, [BEFORE]), Sample(1.0, [BEFORE]))) == ["-"] * 8
    assert table(Sample(1.0, [BEFORE]), Sample(2.0, []))[1:] == []
    assert table(Sample(1.0, []), Sample(2.0, [{"queue": 7}]))[1] == ["7", "-", "-/-", *["-"] * 9]


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "fastqueue"
    path.write_text("\n".join([" ".join(BEFORE), " ".join(map(str, BEFORE.values()))]) + "\n")
    monkeypatch.setattr(abi, "PROC_FILE", str(path))
    return path


def test_without_a_terminal_lines_follow_each_other(proc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--interval", "0.1", "--times", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "queue 0, owner 311, in-ring 3/2048, received/s 0, accepted/s 0" in lines[0]
    proc.write_text(proc.read_text().splitlines()[0])
    assert main(["top", "--interval", "0.1", "--times", "1"]) == 0
    assert "no queue has a handler" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--interval", "0"], ["--interval", "x"], ["--times", "0"], ["more"]])
def test_wrong_arguments(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["top", *words])
    assert caught.value.code == 2


def test_without_the_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(abi, "PROC_FILE", "/nowhere")
    assert main(["top"]) == 1
    assert "the module is not loaded" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["q", "interrupt"])
def test_on_a_terminal_a_key_or_an_interrupt_ends_it(proc: Path, ending: str) -> None:
    program = f"""
import sys
from fastqueue import abi
from fastqueue.cli import main
abi.PROC_FILE = {str(proc)!r}
sys.exit(main(["top", "--interval", "0.2"]))
"""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )  # fmt: skip
    os.close(theirs)
    try:
        shown = _read_until(ours, b"q ends")
        os.write(ours, b"xq") if ending == "q" else process.send_signal(signal.SIGINT)
        shown += _read_until(ours, b"\x1b[?1049l")  # the user's screen again
        assert b"3/2048" in shown
        assert b"Traceback" not in shown
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(fd: int, expected: bytes) -> bytes:
    data, end = b"", time.monotonic() + 15
    while expected not in data:
        assert select.select([fd], [], [], max(0, end - time.monotonic()))[0], data
        data += os.read(fd, 4096)
    return data
