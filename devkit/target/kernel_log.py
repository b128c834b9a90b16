# SPDX-License-Identifier: MIT
"""The kernel's log on ttyS0, kept in a file from the first byte: complaints, and why a boot failed.

The guest writes it, and may write anything: all that is done here takes time in proportion to the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from devkit.host import bounded_log
from devkit.host.run_command import TAIL_BYTES, TAIL_LINES, last_lines
from devkit.host.terminal_text import printable, shortened

#: What a healthy kernel never says. The first words of a report, so that each is found once or twice.
_COMPLAINTS = re.compile(
    r"""
      \bWARNING: | \bBUG: | \bOops\b | Kernel\ panic | Call\ Trace:
    | soft\ lockup | hard\ LOCKUP | blocked\ for\ more\ than
    | general\ protection\ fault | double\ fault | invalid\ opcode: | divide\ error:
    | UBSAN: | KASAN: | KFENCE: | refcount_t: | list_(add|del)\ corruption
    | possible\ (circular|recursive|irq)\ lock | suspicious\ RCU\ usage | scheduling\ while\ atomic
    | sleeping\ function\ called | page\ allocation\ failure | Out\ of\ memory:
    | unregister_netdevice:\ waiting | NETDEV\ WATCHDOG | kmemleak:\ \d+\ new | Objects\ remaining
    """,
    re.VERBOSE,
)
_RCU = re.compile(r"rcu:? ")
_STALL = re.compile(r"detected stall|self-detected")

#: A race that KCSAN found, between two lines of these. The kernel has many of its own that nobody minds:
#: those of the module count.
_RULE = "=" * 20
_RACE = "BUG: KCSAN:"
#: Who touched the memory: a function of the module, or one that it called for that. Further up its
#: callers stand, and the module is among those of each driver that sends what it gave back.
_ACCESS = re.compile(r" by (?:task \d+|interrupt) on cpu \d+:$")
_FRAME = re.compile(r" [\w.]+\+0x")
_FRAMES = 3

#: Memory is out: from who asked for it to the process that had to go, with a call trace and tables between.
_OUT_OF_MEMORY = " invoked oom-killer: "
_KILLED = re.compile(r"Out of memory: Killed process \d{1,10} \(([^)]{0,64})\)")
#: What in it looks like a complaint.
_OF_REPORT = re.compile(r"Call Trace:|Out of memory:")

#: After one of these there will be no prompt.
_FATAL = re.compile(r"Kernel panic - not syncing: (.*)|(Unable to mount root fs.*)")

#: Looked for first: to make text of a log takes longer.
_FATAL_WORD = re.compile(rb"panic|mount root")

#: A line that has grown longer is read as far as it is there; its end is read again with what follows.
_LONGEST_LINE = 1 << 16
_OVERLAP = 1 << 10

_TIME = re.compile(r"^\[ *\d+\.\d+\] ")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1bc")


class KernelLog:
    """A log that is still being written. Positions count bytes from its beginning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        #: How far fatal() has looked, and what it found.
        self._looked = 0
        self._fatal: str | None = None

    def read(self, since: int = 0) -> tuple[int, bytes]:
        """Return the bytes of the log from ``since`` on, as far as they are kept, and where they begin."""
        return bounded_log.read(self.path, since)

    def text(self, since: int = 0) -> str:
        """Return the log from ``since`` on: lines without terminal codes and carriage returns."""
        return _plain(self.read(since)[1])

    def mark(self) -> int:
        """Return the present end, as a ``since`` for later."""
        return bounded_log.size(self.path)

    def complaints(self, since: int = 0, *, memory: bool = True) -> list[str]:
        """Return the lines of warnings, bugs, oopses, lockups and the like, each cut off if it is very long.

        Without ``memory`` reports of processes that were killed because memory was out are none.
        """
        lines = _without_foreign_races(self.text(since).splitlines())
        if not memory:
            lines = [line for line, killed in _killings(lines) if killed is None or not _of_report(line)]
        return [shortened(line) for line in lines if _is_complaint(line)]

    def killed_for_memory(self, since: int = 0) -> list[str]:
        """Return the names of the processes that the kernel killed because memory was out."""
        reports = _killings(self.text(since).splitlines())
        return [killed for line, killed in reports if killed is not None and _KILLED.search(line)]

    def fatal(self) -> str | None:
        """Return why the kernel cannot go on, once it has said so on a whole line (or a very long one).

        Each line is read once.
        """
        begin, data = self.read(self._looked)
        whole = data.rfind(b"\n") + 1
        self._looked = begin + whole
        if len(data) - whole > _LONGEST_LINE:
            whole = len(data)
            self._looked = begin + whole - _OVERLAP
        for line in _plain(data[:whole]).splitlines() if _FATAL_WORD.search(data) else ():
            found = _FATAL.search(line)
            if found and "---[ end" not in line:
                # The panic itself says most; a missing root file system announces itself before.
                self._fatal = shortened(next(group for group in found.groups() if group is not None))
        return self._fatal

    def reason(self) -> str | None:
        """Return why the kernel cannot go on, and what it complained about first if that is more."""
        fatal = self.fatal()
        if fatal is None:
            return None
        first = _TIME.sub("", next(iter(self.complaints()), fatal))
        return fatal if fatal in first else f"{fatal} ({first})"

    def tail(self, count: int = TAIL_LINES) -> list[str]:
        """Return the last lines, each cut off where it is very long."""
        return last_lines(self.text(max(0, self.mark() - TAIL_BYTES)), count)


def _plain(data: bytes) -> str:
    return printable(_ESCAPES.sub("", data.decode(errors="replace")).replace("\r", ""))


def _is_complaint(line: str) -> bool:
    if _COMPLAINTS.search(line):
        return True
    rcu = _RCU.search(line)
    return bool(rcu and _STALL.search(line, rcu.end()))


def _of_report(line: str) -> bool:
    """Whether a line of a report of memory that is out complains of nothing else."""
    return not _is_complaint(_OF_REPORT.sub("", line))


def _without_foreign_races(lines: list[str]) -> list[str]:
    """Leave out KCSAN's reports of races in which the module has no part."""
    kept: list[str] = []
    report: list[str] = []
    for line in lines:
        rule = line.endswith(_RULE)
        if len(report) > 1 and rule:
            kept += [*report, line] if _ours(report) else []
            report = []
        elif report and (len(report) > 1 or _RACE in line):
            report.append(line)
        else:
            kept += report
            report = [line] if rule else []
            kept += [] if rule else [line]
    return kept + report


def _ours(report: Iterable[str]) -> bool:
    """Whether the module itself, or what it called, was one side of a race."""
    frames = 0
    for line in report:
        if _ACCESS.search(line):
            frames = _FRAMES
        elif frames and _FRAME.search(line):
            frames -= 1
            if "[fastqueue]" in line:
                return True
        else:
            frames = 0
    return False


def _killings(lines: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Each line with the name of the process whose killing its report tells of; None outside of reports."""
    report: list[str] = []
    for line in lines:
        if not report and _OUT_OF_MEMORY not in line:
            yield line, None
            continue
        report.append(line)
        if killed := _KILLED.search(line):
            yield from ((one, killed[1]) for one in report)
            report = []
    yield from ((one, None) for one in report)
