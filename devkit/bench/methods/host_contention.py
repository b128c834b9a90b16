# SPDX-License-Identifier: MIT
"""Whose work the host did during a stream in real time: the lab's, or others'."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from devkit.host import cpu_load

_PROC = Path("/proc")


@dataclass(frozen=True)
class HostUse:
    """Processor time so far: the host's own reading, and seconds of the lab's processes."""

    stat: str
    lab_seconds: float

    @classmethod
    def read(cls, supervisor: int) -> HostUse:
        """Read both; ``supervisor`` is the lab's first process, all others of it descend from it."""
        return cls((_PROC / "stat").read_text(), _family_ticks(supervisor) / os.sysconf("SC_CLK_TCK"))

    def others_until(self, later: HostUse, seconds: float) -> float:
        """Part of all the host's processors (0 to 1) that was busy with what is not the lab's."""
        lab = (later.lab_seconds - self.lab_seconds) / (seconds * (os.cpu_count() or 1))
        return min(1.0, max(0.0, cpu_load.between(self.stat, later.stat) - lab))


def _family_ticks(first: int) -> int:
    """Clock ticks that a process, those below it, and those they waited for have had."""
    parents, ticks = {}, {}
    for folder in _PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        pid = int(folder.name)
        parents[pid], ticks[pid] = int(fields[1]), sum(map(int, fields[11:15]))
    return sum(count for pid, count in ticks.items() if _descends(pid, first, parents))


def _descends(pid: int, first: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        if pid == first:
            return True
        pid = parents[pid]
    return False
