# SPDX-License-Identifier: MIT
"""The kernel's memory leak detector, where the target's kernel has it."""

from __future__ import annotations

from devkit.target.base import TargetCommands

_FILE = "/sys/kernel/debug/kmemleak"
_MOUNT = "mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug"
#: Younger objects are not reported, and a first scan may find a pointer that is just being moved.
_SCAN = f"echo scan >{_FILE}; sleep 6; echo scan >{_FILE}"
_SCAN_TIME = 240.0


def watches(target: TargetCommands) -> bool:
    """Whether the target's kernel looks for leaks."""
    return not target.run(f"{_MOUNT} 2>/dev/null; [ -e {_FILE} ]", check=False).status


def scan(target: TargetCommands) -> str:
    """Return the detector's report of all that leaked since the boot; empty without one."""
    if not watches(target):
        return ""
    target.run(_SCAN, timeout=_SCAN_TIME)
    return target.run(["cat", _FILE], timeout=_SCAN_TIME).output
