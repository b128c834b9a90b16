# SPDX-License-Identifier: MIT
"""Who runs in a lab, seen from outside: for tests that nothing is left behind."""

from __future__ import annotations

import time
from pathlib import Path

from devkit.lab.client import Lab


def inside(lab: Lab) -> dict[int, str]:
    """Return pid (as seen here) and name of all processes of a lab, in pid namespaces below its own too."""
    namespace = Path(f"/proc/{lab.pid}/ns/pid").readlink()
    parents, names, found = {}, {}, set()
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit():
                continue
            pid = int(entry.name)
            if (entry / "ns" / "pid").readlink() == namespace:
                found.add(pid)
            parents[pid] = parent(pid)
            names[pid] = (entry / "comm").read_text().strip()
        except OSError:
            continue  # ended meanwhile
    while more := {pid for pid in names if parents[pid] in found} - found:
        found |= more
    return {pid: names[pid] for pid in found if pid in names}


def parent(pid: int) -> int:
    """Return the parent's pid."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: set[int] | dict[int, str], timeout: float = 10.0) -> bool:
    """Whether all processes end within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while any(running(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def interfaces() -> set[str]:
    """Return the names of the host's own interfaces."""
    return {entry.name for entry in Path("/sys/class/net").iterdir()}
