# SPDX-License-Identifier: MIT
"""The kernel's log on ttyS0, kept in a file from the first byte: complaints, and why a boot failed."""

from __future__ import annotations

import re
from pathlib import Path

from devkit.command import TAIL_LINES

#: What a healthy kernel never says. The first words of a report, so that each is found once or twice.
_COMPLAINTS = re.compile(
    r"""
      \bWARNING: | \bBUG: | \bOops\b | Kernel\ panic | Call\ Trace:
    | soft\ lockup | hard\ LOCKUP | rcu:?\ .*(detected\ stall|self-detected) | blocked\ for\ more\ than
    | general\ protection\ fault | double\ fault | invalid\ opcode: | divide\ error:
    | UBSAN: | KASAN: | KFENCE: | refcount_t: | list_(add|del)\ corruption
    | possible\ (circular|recursive|irq)\ lock | suspicious\ RCU\ usage | scheduling\ while\ atomic
    | sleeping\ function\ called | page\ allocation\ failure | Out\ of\ memory:
    | unregister_netdevice:\ waiting | NETDEV\ WATCHDOG | kmemleak:\ \d+\ new | Objects\ remaining
    """,
    re.VERBOSE,
)

#: A race that KCSAN found. The kernel has many of its own that nobody minds: those of the module count.
_RACE = re.compile(r"^[^\n]*={20,}\n[^\n]*BUG: KCSAN:.*?\n[^\n]*={20,}\n", re.DOTALL | re.MULTILINE)
#: Who touched the memory: a function of the module, or one that it called for that. Further up its
#: callers stand, and the module is among those of each driver that sends what it gave back.
_ACCESS = re.compile(r" by (?:task \d+|interrupt) on cpu \d+:\n((?:.* [\w.]+\+0x.*\n){1,3})")

#: Memory is out: from who asked for it to the process that had to go, with a call trace and tables between.
_OUT_OF_MEMORY = re.compile(
    r"^[^\n]* invoked oom-killer: .*?^[^\n]*Out of memory: Killed process \d+ \(([^)\n]*)\)[^\n]*\n",
    re.DOTALL | re.MULTILINE,
)
#: What in it looks like a complaint.
_OF_REPORT = re.compile(r"Call Trace:|Out of memory:")

#: After one of these there will be no prompt.
_FATAL = re.compile(r"Kernel panic - not syncing: (.*)|(Unable to mount root fs.*)")

_TIME = re.compile(r"^\[ *\d+\.\d+\] ")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1bc")


def _ours(race: str) -> bool:
    """Whether the module itself, or what it called, was one side of a race."""
    return any("[fastqueue]" in frames for frames in _ACCESS.findall(race))


class KernelLog:
    """A log that is still being written. Positions are byte offsets into the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self, since: int = 0) -> str:
        """Return the log from ``since`` on: lines without terminal codes and carriage returns."""
        try:
            with self.path.open("rb") as file:
                file.seek(since)
                data = file.read()
        except FileNotFoundError:
            return ""
        text = _ESCAPES.sub("", data.decode(errors="replace"))
        return text.replace("\r", "")

    def mark(self) -> int:
        """Return the present end, as a ``since`` for later."""
        return self.path.stat().st_size if self.path.exists() else 0

    def complaints(self, since: int = 0, *, memory: bool = True) -> list[str]:
        """Return the lines of warnings, bugs, oopses, lockups and the like.

        Without ``memory`` reports of processes that were killed because memory was out are none.
        """
        text = _RACE.sub(lambda race: race[0] if _ours(race[0]) else "", self.text(since))
        if not memory:
            text = _OUT_OF_MEMORY.sub(lambda report: _OF_REPORT.sub("", report[0]), text)
        return [line for line in text.splitlines() if _COMPLAINTS.search(line)]

    def killed_for_memory(self, since: int = 0) -> list[str]:
        """Return the names of the processes that the kernel killed because memory was out."""
        return _OUT_OF_MEMORY.findall(self.text(since))

    def fatal(self, since: int = 0) -> str | None:
        """Return why the kernel cannot go on, once it has said so on a whole line."""
        reason = None
        for line in self.text(since).rpartition("\n")[0].splitlines():
            found = _FATAL.search(line)
            if found and "---[ end" not in line:
                # The panic itself says most; a missing root file system announces itself before.
                reason = next(group for group in found.groups() if group is not None)
        return reason

    def reason(self) -> str | None:
        """Return why the kernel cannot go on, and what it complained about first if that is more."""
        fatal = self.fatal()
        if fatal is None:
            return None
        first = _TIME.sub("", self.complaints()[0])
        return fatal if fatal in first else f"{fatal} ({first})"

    def tail(self, count: int = TAIL_LINES) -> list[str]:
        """Return the last lines."""
        return self.text().splitlines()[-count:]
