# SPDX-License-Identifier: MIT
"""Who runs in a lab, seen from outside: for tests that nothing is left behind."""

from __future__ import annotations

import time
from pathlib import Path

from devkit.lab.client import Lab


def inside(lab: Lab) -> dict[int, str]:
    """Return pid (as seen here) and name of all processes in the pid namespace of a lab."""
    namespace = Path(f"/proc/{lab.pid}/ns/pid").readlink()
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "ns" / "pid").readlink() == namespace:
                found[int(entry.name)] = (entry / "comm").read_text().strip()
        except OSError:
            continue  # ended meanwhile
    return found


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
