# SPDX-License-Identifier: MIT
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.host import bounded_log
from devkit.host.errors import KitError
from devkit.target.kernel_log import KernelLog
from tests.fuzzing import kit_logs

LOGS = Path(__file__).parent / "kernel_logs"


def log(name: str) -> KernelLog:
    return KernelLog(LOGS / f"{name}.log")


@pytest.mark.parametrize(
    ("name", "fatal"),
    [
        ("boot", None),
        ("no_root", "VFS: Unable to mount root fs on unknown-block(0,0)"),
        ("no_init", "Requested init /nonexistent failed (error -2)."),
        ("oops", "Fatal exception in interrupt"),
        ("warning", None),
        ("stall", None),
    ],
)
def test_fatal(name: str, fatal: str | None) -> None:
    assert log(name).fatal() == fatal


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("boot", None),
        ("no_init", "Requested init /nonexistent failed (error -2)."),
        ("oops", "Fatal exception in interrupt (BUG: kernel NULL pointer dereference, address: 00000000)"),
    ],
)
def test_reason_names_what_came_first(name: str, reason: str | None) -> None:
    assert log(name).reason() == reason


@pytest.mark.parametrize(
    ("name", "first", "count"),
    [
        ("no_root", "Kernel panic - not syncing: VFS", 2),
        ("oops", "BUG: kernel NULL pointer dereference, address: 00000000", 4),
        ("warning", "WARNING: CPU: 0 PID: 70 at kmod/sender.c:10", 2),
        ("stall", "watchdog: BUG: soft lockup", 3),
        ("race", "BUG: KCSAN: data-race in memcpy / fq_meta_fill", 1),
    ],
)
def test_complaints(name: str, first: str, count: int) -> None:
    complaints = log(name).complaints()
    assert first in complaints[0]
    assert len(complaints) == count, complaints


def test_a_healthy_boot_has_no_complaints() -> None:
    assert log("boot").complaints() == []


def test_complaints_since_a_mark(tmp_path: Path) -> None:
    found = KernelLog(tmp_path / "kernel.log")
    assert (found.mark(), found.text(), found.complaints(), found.fatal()) == (0, "", [], None)
    found.path.write_text("[    1.0] WARNING: CPU: 0 PID: 1 at x\n")
    mark = found.mark()
    with found.path.open("a") as file:
        file.write("[    2.0] fine\n[    3.0] BUG: sleeping function called from invalid context\n")
    assert len(found.complaints()) == 2
    assert found.complaints(mark) == ["[    3.0] BUG: sleeping function called from invalid context"]
    assert found.tail(1) == found.complaints(mark)


def test_memory_that_is_out_may_be_expected(tmp_path: Path) -> None:
    found = log("out_of_memory")
    assert found.killed_for_memory() == ["Suricata-Main"]
    assert found.complaints(memory=False) == []
    assert "Out of memory: Killed process 104 (Suricata-Main)" in found.complaints()[-1]
    assert log("boot").killed_for_memory() == []
    lines = found.text().splitlines(keepends=True)
    worse = "[   54.7] WARNING: CPU: 0 PID: 1 at x\n"
    within = KernelLog(tmp_path / "kernel.log")
    within.path.write_text("".join([*lines[:20], worse, *lines[20:], worse]))
    assert within.complaints(memory=False) == [worse.rstrip()] * 2


def test_terminal_codes_and_broken_text(tmp_path: Path) -> None:
    found = KernelLog(tmp_path / "kernel.log")
    found.path.write_bytes(b"\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1)\r\nBooting from ROM..\xff\r\n")
    assert found.text() == "SeaBIOS (version 1)\nBooting from ROM..\N{REPLACEMENT CHARACTER}\n"


def test_an_unfinished_line_is_not_a_reason_yet(tmp_path: Path) -> None:
    found = KernelLog(tmp_path / "kernel.log")
    found.path.write_text("[    1.0] Kernel panic - not syn")
    assert found.fatal() is None
    with found.path.open("a") as file:
        file.write(
            "cing: Fatal exception\n[    1.1] ---[ end Kernel panic - not syncing: Fatal exception ]---\n"
        )
    assert found.fatal() == "Fatal exception"


@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    "line",
    [
        "[ 1.0] x invoked oom-killer: gfp_mask=0x140dca, order=0",
        "[ 1.0] ====================\n[ 1.0] BUG: KCSAN: data-race in a / b",
        "[ 1.0] " + "=" * 5000 + "x",
        "[ 1.0] rcu: " * 500,
        "[ 1.0]  by task 1 on cpu 0:\n f+0x1",
        "[ 1.0] Kernel panic - not syncing: x ---[ end",
        "\x1b[" * 50 + "1;" * 50,
        "x invoked oom-killer: " + "Out of memory: Killed process 1 (" * 60_000,
        "Out of memory: Killed process " * 30_000 + "1" * 1_000_000,
        "[ 1.0] ====================\n" + " by task 1" * 100_000 + " f.f" * 100_000 + "[ 1.0] ====",
        "kmemleak: 1" * 100_000 + "1" * 1_000_000,
    ],
    ids=[
        "memory",
        "race",
        "rule",
        "stall",
        "access",
        "panic",
        "escapes",
        "killed",
        "number",
        "accesses",
        "leaks",
    ],
)
def test_time_is_in_proportion_to_the_log(line: str, tmp_path: Path) -> None:
    """With a look back from each line it would take hours."""
    found = KernelLog(tmp_path / "kernel.log")
    count = 4_000_000 // len(line)
    found.path.write_text(f"{line}\n" * count)
    found.complaints(memory=False)
    assert found.killed_for_memory() == []
    with found.path.open("a") as file:
        for _ in range(1000):
            file.write("[ 2.0] fine\n")
            file.flush()
            found.fatal()


def test_a_line_without_an_end_is_read_once(tmp_path: Path) -> None:
    class Log(KernelLog):
        amount = 0

        def read(self, since: int = 0) -> tuple[int, bytes]:
            begin, data = super().read(since)
            self.amount += len(data)
            return begin, data

    found = Log(tmp_path / "kernel.log")
    with found.path.open("ab", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 20_000)
            assert found.fatal() is None
        # Each piece a few times until the line is long, and then its end again.
        assert found.amount < 6 * 200 * 20_000
        before = found.amount
        for _ in range(100):
            found.fatal()
        assert found.amount - before < 100 * (1 << 17)
        file.write(b"x" * 100_000 + b"Kernel panic - not syn")
        assert found.fatal() is None
        file.write(b"cing: the end" + b"x" * 100_000)
        assert (found.fatal() or "").startswith("the endxxx")


@pytest.mark.parametrize("byte", [b"x", b"\x01", b"\xff", b"\n"])
def test_messages_have_a_limit_whatever_the_guest_says(byte: bytes, tmp_path: Path) -> None:
    found = KernelLog(tmp_path / "kernel.log")
    much = byte * (1 << 20)
    found.path.write_bytes(b"BUG: " + much + b"\nKernel panic - not syncing: " + much + b"\n")
    reason = found.reason() or ""
    error = KitError("FQ-BOOT", f"no boot: {reason}", "look", lines=found.tail())
    assert len(str(error)) < 100_000
    assert len(reason) < 5_000
    assert max(map(len, (*found.tail(), *found.complaints())), default=0) < 600


def test_a_race_whose_report_was_cut_off_is_a_complaint(tmp_path: Path) -> None:
    found = KernelLog(tmp_path / "kernel.log")
    found.path.write_text("=" * 60 + "\nBUG: KCSAN: data-race in a / b\nread by task 1 on cpu 0:\n")
    assert found.complaints() == ["BUG: KCSAN: data-race in a / b"]


def test_a_panic_is_found_after_the_log_was_cut(tmp_path: Path) -> None:
    found = KernelLog(tmp_path / "kernel.log")
    writer = bounded_log.Writer(found.path)
    writer.write(b"[ 1.0] Kernel panic - not syncing: first\n")
    mark = found.mark()
    for _ in range(40):
        writer.write(b"noise\n" * 100_000)
    assert found.fatal() is None
    writer.write(b"[ 2.0] Kernel panic - not syncing: second\n")
    writer.close()
    assert found.fatal() == "second"
    assert found.mark() == mark + 40 * 600_000 + 42
    assert len(found.text()) <= 2 * bounded_log.LIMIT


@given(st.lists(st.sampled_from(kit_logs.LINES), max_size=25))
def test_reports_are_those_of_the_expressions(lines: list[str]) -> None:
    kit_logs.check_reports("".join(f"{line}\n" for line in lines))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_log(content: bytes) -> None:
    kit_logs.log_bytes(content)
