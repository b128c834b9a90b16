# SPDX-License-Identifier: MIT
"""Locks between processes: gone with their holder, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from devkit.errors import KitError

_TICK = 0.1


def hold(path: Path, busy: KitError, patience: float = 0.0) -> int:
    """Lock a file and return the descriptor whose closing gives it free.

    Waits up to ``patience`` seconds for another holder, then raises ``busy``.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < until:
                time.sleep(_TICK)
                continue
            os.close(descriptor)
            raise busy from None
        return descriptor
