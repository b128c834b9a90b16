# SPDX-License-Identifier: MIT
"""The command line: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import fastqueue.run
import pytest
from fastqueue import Queue, RingOptions, abi, backend
from fastqueue.cli import main

from .fake_kernel import FakeKernel

PROC = """\
queue owner frames frame_size occupied processed received queued accepted dropped flushed timed_out \
default_accepted default_dropped invalid_words wakeups ticks truncated segmented refused over_memory \
period_us default_action flags
0 311 2048 2048 3 1 1000 900 800 90 7 1 60 40 0 12 345 0 0 5 70 1000 drop 0x4
65535 42 8 64 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1000 accept 0x0
"""


class Interrupted(FakeKernel):
    """Sends the process a signal once there is nothing left to do."""

    number = signal.SIGTERM

    def poll(self, milliseconds: float | None = None) -> list[tuple[int, int]]:
        if not self.plan:
            self.send()
            os.kill(os.getpid(), self.number)
        return super().poll(milliseconds)


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> list[Interrupted]:
    """Have ``run`` open queues of a model; what it opened is in the list."""
    opened: list[Interrupted] = []

    def open_queue(request: RingOptions) -> Queue:
        opened.append(Interrupted(request))
        opened[-1].plan = [3, 1, 5]
        return Queue(request, backend=opened[-1])

    monkeypatch.setattr(fastqueue.run, "Queue", open_queue)
    return opened


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("style", [[], ["--batch"], ["--one-by-one"]])
@pytest.mark.parametrize(("handler", "accepted"), [("null", 9), ("drop", 0)])
def test_run_ends_with_a_signal_and_prints_counts(
    *,
    kernels: list[Interrupted],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    style: list[str],
    handler: str,
    accepted: int,
) -> None:
    monkeypatch.setattr(Interrupted, "number", number)
    actions = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)]
    assert main(["run", "--queue", "4", "--frames", "16", "--frame-size", "64", *style, handler]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"ready: queue 4, 16 frames of 64 bytes, {backend.current.name}",
        f"queue 4: received 9, accepted {accepted}, dropped {9 - accepted}, flushed 0, default action 0",
    ]
    assert actions == [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_run_passes_every_option(kernels: list[Interrupted]) -> None:
    options = "--queue 1 --frames 32 --frame-size 128 --copy-range 64 --default accept --period-us 500"
    assert main(["run", *options.split(), "--timeout-ms", "9", "--timer-only", "--gso", "null"]) == 0
    expected = RingOptions(1, 32, 128, 64, "accept", 500, 9, timer_only=True, gso=True)
    assert kernels[0].request == expected


def test_options_may_stand_behind_the_handler(kernels: list[Interrupted]) -> None:
    """What stands there wins, and leaves the others as they were."""
    before, behind = "--queue 1 --frames 32 --gso --default accept", "--queue 5 --frame-size 128 --timer-only"
    assert main(["run", *before.split(), "null", *behind.split()]) == 0
    expected = RingOptions(5, 32, 128, default_action="accept", timer_only=True, gso=True)
    assert kernels[0].request == expected


def test_run_with_rules(
    kernels: list[Interrupted], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules"
    rules.write_text("default drop")
    for handler in ("fivetuple", "payload"):
        assert main(["run", handler, str(rules)]) == 0
    assert capsys.readouterr().out.count("dropped 9") == 2


@pytest.mark.parametrize("handler", ["fivetuple", "payload"])
def test_bad_rules_end_before_the_queue_is_opened(
    kernels: list[Interrupted], tmp_path: Path, capsys: pytest.CaptureFixture[str], handler: str
) -> None:
    rules = tmp_path / "rules"
    rules.write_text("# nothing\n\nblock everything")
    assert main(["run", handler, str(rules)]) == 2
    assert not kernels
    assert capsys.readouterr() == ("", f"{rules}:3: found 'block', expected accept, drop or default\n")


def test_without_the_module(capsys: pytest.CaptureFixture[str]) -> None:
    if Path(abi.DEVICE).exists():
        pytest.skip("this machine has the module")
    assert main(["run", "null"]) == 1
    message = f"fastqueue: {abi.DEVICE} is not there: the module is not loaded; load it: modprobe fastqueue\n"
    assert capsys.readouterr() == ("", message)
    assert main(["stat"]) == 1


def test_a_queue_that_the_kernel_closes_is_an_error(
    kernels: list[Interrupted], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Interrupted, "poll", FakeKernel.poll)
    monkeypatch.setattr(FakeKernel, "_settle", lambda self, count: setattr(self, "closed", True))
    assert main(["run", "null"]) == 1
    assert "the kernel closed the queue" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["run"], ["run", "other"], ["run", "fivetuple"], ["run", "--queue", "x", "null"]]
)
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: python3 -m fastqueue" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("run --queue 70000 null", "queue is 70000; take 0 to 65535"),
        ("run --queue -1 null", "queue is -1; take 0 to 65535"),
        ("run --frames 1000 null", "frames is 1000; take a power of two"),
        ("run --frames 4 null", "frames is 4; take 8 to 65536"),
        ("run --frame-size 100 null", "frame size is 100; take a multiple of 64"),
        ("run --copy-range 9999 null", "copy range is 9999; take 0 to 2048"),
        ("run --period-us 1 null", "period is 1; take 50 to 1000000"),
        ("run --timeout-ms -5 null", "time limit is -5; take 0 to 4294967295"),
    ],
)
def test_values_out_of_their_limits(arguments: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong arguments, whether there is a module or not; what is right is said."""
    assert main(arguments.split()) == 2
    assert capsys.readouterr() == ("", f"fastqueue: {said}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("run --queue x null", "'x' is not a whole number"),
        ("run --queue +3 null", "'+3' is not a whole number"),
        ("run --queue 0x4 null", "'0x4' is not a whole number"),
        ("run --queue 3. null", "'3.' is not a whole number"),
        ("run --queue= null", "'' is not a whole number"),
        ("run --frames 2_048 null", "'2_048' is not a whole number"),
        ("run --frames 8\u0660 null", r"'8\u0660' is not a whole number"),
        ("run --timeout-ms " + "9" * 5000 + " null", "999...' is not a whole number"),
        ("run null --copy-range 1e3", "'1e3' is not a whole number"),
        ("run --default reject null", "choose from 'accept', 'drop'"),
        ("top --interval soon", "'soon' is not from 0.1 to 3600 seconds"),
        ("top --interval nan", "'nan' is not from 0.1 to 3600 seconds"),
        ("top --interval 1e1", "'1e1' is not from 0.1 to 3600 seconds"),
        ("top --interval 1_0", "'1_0' is not from 0.1 to 3600 seconds"),
        ("top --interval 0", "'0' is not from 0.1 to 3600 seconds"),
        ("top --times 1.5", "'1.5' is not a whole number of 1 or more"),
        ("top --times 0", "'0' is not a whole number of 1 or more"),
        ("tops", "choose from 'run', 'stat', 'top'"),
        ("run --queue 1_0 null", "'1_0' is not a whole number"),
        ("run --queue \u0664 null", r"'\u0664' is not a whole number"),
        ("run --frames +8 null", "'+8' is not a whole number"),
        ("run --frames 0x10 null", "'0x10' is not a whole number"),
        ("run --frame-size 64.0 null", "'64.0' is not a whole number"),
        ("run --timeout-ms= null", "'' is not a whole number"),
        ("run null --copy-range " + "9" * 5000, f"'{'9' * 57}...' is not a whole number"),
        ("run --queue \x1b[31m0 null", r"'\x1b[31m0' is not a whole number"),
        ("top --times 1_0", "'1_0' is not a whole number of 1 or more"),
        ("top --times " + "1" * 19, f"'{'1' * 19}' is not a whole number of 1 or more"),
        ("top --interval 3600.1", "'3600.1' is not from 0.1 to 3600 seconds"),
    ],
)
def test_words_that_are_none_of_the_right_ones(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "fastqueue"
    path.write_text(PROC)
    monkeypatch.setattr(abi, "PROC_FILE", str(path))
    return path


def test_stat_is_a_table(proc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stat"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1
    numbers = "0 311 2048 3 1000 800 90 5 7 1 100 70 0 12 345 drop"
    assert lines[1].split() == numbers.split()


def test_stat_for_programs_has_the_kernels_names(proc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stat", "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [row["queue"] for row in rows] == [0, 65535]
    assert (rows[0]["default_dropped"], rows[0]["default_action"], rows[0]["flags"]) == (40, "drop", 4)
    assert (rows[0]["refused"], rows[0]["over_memory"]) == (5, 70)


def test_stat_without_queues_and_from_an_older_module(proc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proc.write_text(PROC.splitlines()[0])
    main(["stat"])
    proc.write_text("queue owner\n3 4\n")
    main(["stat"])
    nothing, _, row = capsys.readouterr().out.splitlines()
    assert nothing == "no queue has a handler"
    assert row.split() == ["3", "4", *["-"] * 14]


@pytest.mark.parametrize("gone", [True, False])
def test_an_output_that_takes_nothing(proc: Path, *, gone: bool) -> None:
    code = f"import sys; from fastqueue import abi, cli; abi.PROC_FILE = {str(proc)!r}; \n"
    code += "sys.exit(cli.main(['stat']))"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") if gone else Path("/dev/full").open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == (141 if gone else 1)
    assert done.stderr == ("" if gone else "fastqueue: [Errno 28] No space left on device\n")
