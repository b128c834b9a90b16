# SPDX-License-Identifier: MIT
"""The watch on the kernel's log, which a guest writes: what it finds, and that it ends."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

from devkit.host import bounded_log
from devkit.host.terminal_text import printable, shortened
from devkit.target import kernel_log
from devkit.target.kernel_log import KernelLog

from .choice import Choice

#: The same as the watch's states, as expressions over the whole text, which take too long on a large one.
_RACE = re.compile(r"^[^\n]*={20,}\n[^\n]*BUG: KCSAN:.*?\n[^\n]*={20,}\n", re.DOTALL | re.MULTILINE)
_ACCESS = re.compile(r" by (?:task \d+|interrupt) on cpu \d+:\n((?:.* [\w.]+\+0x.*\n){1,3})")
_OUT_OF_MEMORY = re.compile(
    r"^[^\n]* invoked oom-killer: .*?^[^\n]*Out of memory: Killed process \d+ \(([^)\n]*)\)[^\n]*\n",
    re.DOTALL | re.MULTILINE,
)
LINES = (
    "[ 1.0] " + "=" * 20,
    "[ 1.0] BUG: KCSAN: data-race in a / b",
    "[ 1.0] read to 0x0 of 4 bytes by task 7 on cpu 0:",
    "[ 1.0] write by interrupt on cpu 1:",
    "[ 1.0]  fq_meta_fill+0x1/0x2 [fastqueue]",
    "[ 1.0]  memcpy+0x1/0x2",
    "[ 1.0] python3 invoked oom-killer: gfp_mask=0x1",
    "[ 1.0] Out of memory: Killed process 104 (Suricata-Main) total-vm:1kB",
    "[ 1.0] Call Trace:",
    "[ 1.0] WARNING: CPU: 0 PID: 1 at x",
    "[ 1.0] rcu: INFO: rcu_sched self-detected stall on CPU",
    "[ 1.0] fine",
)
_FATAL = (
    "[ 1.0] Kernel panic - not syncing: first",
    "[ 1.0] ---[ end Kernel panic - not syncing: first ]---",
    "[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs on x",
    "[ 1.0] Unable to mount root fs on unknown-block(0,0)",
    "\x1b[1mKernel panic - not syncing: \x1b[0mbold\r",
)


class Text(KernelLog):
    """A log of just this text."""

    def __init__(self, content: bytes) -> None:
        super().__init__(Path("/nonexistent"))
        self._content = content

    def read(self, since: int = 0) -> tuple[int, bytes]:
        """As KernelLog has it."""
        return since, self._content[since:]


def check_reports(text: str) -> None:
    """Compare complaints and killed processes with what the expressions find; ``text`` is plain lines."""

    def ours(race: re.Match[str]) -> str:
        return race[0] if any("[fastqueue]" in frames for frames in _ACCESS.findall(race[0])) else ""

    log = Text(text.encode())
    without = _RACE.sub(ours, text)
    assert log.complaints() == [line for line in without.splitlines() if kernel_log._is_complaint(line)]
    assert log.killed_for_memory() == _OUT_OF_MEMORY.findall(text)
    quiet = _OUT_OF_MEMORY.sub(lambda found: re.sub("Call Trace:|Out of memory:", "", found[0]), without)
    expected = [line for line in quiet.splitlines() if kernel_log._is_complaint(line)]
    assert log.complaints(memory=False) == expected


def log_reports(data: bytes) -> None:
    """Find the complaints in lines of reports, in any order."""
    choice = Choice(data)
    lines = []
    while choice.left():
        lines.append(choice.of(LINES))
    check_reports("".join(f"{line}\n" for line in lines))


def log_bytes(data: bytes) -> None:
    """Take any bytes for a log; what is found can be printed."""
    log = Text(data)
    for line in (*log.complaints(), *log.complaints(memory=False), *log.killed_for_memory(), *log.tail()):
        assert line == printable(line, keep="\t")
    fatal, reason = log.fatal(), log.reason()
    assert (fatal is None) == (reason is None)
    assert fatal is None or fatal in (reason or "")


@cache
def _folder() -> Path:
    """A folder of this process, in memory if the machine has such a place."""
    memory = Path("/dev/shm")
    made = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
    _kept.append(made)
    return Path(made.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _last_fatal(content: bytes) -> str | None:
    """What the last whole line says that is the kernel's end; the end of a panic's report is none."""
    found = None
    for line in Text(content[: content.rfind(b"\n") + 1]).text().splitlines():
        before_panic, panic, reason = line.partition("Kernel panic - not syncing: ")
        before_root, root, _ = line.partition("Unable to mount root fs")
        if "---[ end" in line or not (panic or root):
            continue
        found = shortened(reason if len(before_panic) <= len(before_root) else line[len(before_root) :])
    return found


def log_watched(data: bytes) -> None:
    """Watch a log that is written in pieces for the end: as one look at all of it finds it."""
    choice = Choice(data)
    path = _folder() / "watched.log"
    writer, watching = bounded_log.Writer(path), KernelLog(path)
    whole = b""
    while choice.left():
        kind = choice.number(0, 9)
        piece = f"{choice.of(_FATAL)}\n".encode() if kind < 4 else choice.some(20)
        if kind == 4:
            piece = choice.of(_FATAL).encode()[: choice.number(0, 60)]
        writer.write(piece)
        whole += piece
        if choice.byte() & 1:
            watching.fatal()
    writer.close()
    assert watching.fatal() == _last_fatal(whole) == Text(whole).fatal()
    assert watching.mark() == len(whole)
    assert watching.read() == (0, whole)


def log_bounded(data: bytes) -> None:
    """Write a log of bounded size and read it from anywhere: its end is there, and positions stay."""
    choice = Choice(data)
    path = _folder() / "bounded.log"
    limit = choice.number(1, 20)
    writer, whole = bounded_log.Writer(path, limit), b""
    for _ in range(20):
        if not choice.left():
            break
        piece = choice.some(2 * limit + 2)
        writer.write(piece)
        whole += piece
        since = choice.number(0, 255)
        begin, found = bounded_log.read(path, since, limit)
        assert found == whole[begin:] if found else begin == since
        assert begin == since or begin + 2 * limit >= len(whole) > begin
        assert found or since >= len(whole)
        assert bounded_log.size(path, limit) == len(whole)
    writer.close()
    assert sum(file.stat().st_size for file in path.parent.glob("bounded.log*")) <= 2 * limit
