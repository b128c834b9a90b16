# SPDX-License-Identifier: MIT
"""What else the host is doing: a measurement in real time is worth as much as the host is quiet."""

from __future__ import annotations

import time
from pathlib import Path

_STAT = Path("/proc/stat")
_SAMPLE = 1.0

#: From here on (0 to 1, of all processors) the user is told that figures will be noisy.
NOISY = 0.15


def busy(seconds: float = _SAMPLE) -> float:
    """Return which part of the host's processors is in use (0 to 1), over ``seconds`` from now."""
    before = _STAT.read_text()
    time.sleep(seconds)
    return between(before, _STAT.read_text())


def between(before: str, after: str) -> float:
    """Compare two readings of /proc/stat; idle, and waiting for a disk, is not in use."""
    (total_before, idle_before), (total_after, idle_after) = _times(before), _times(after)
    total = total_after - total_before
    return 1.0 - (idle_after - idle_before) / total if total else 0.0


def _times(text: str) -> tuple[int, int]:
    # user nice system idle iowait irq softirq steal; guests' time is in user and nice already
    values = [int(word) for word in text.splitlines()[0].split()[1:9]]
    return sum(values), values[3] + values[4]
