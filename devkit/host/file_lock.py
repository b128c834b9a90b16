# SPDX-License-Identifier: MIT
"""Locks between processes: gone with their holder, however it ends."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from pathlib import Path

from devkit.host.errors import KitError
from devkit.host.progress import say

_TICK = 0.1
_MODE = 0o600


def open_file(path: Path) -> int:
    """Open a lock file, made where it is missing; OSError where it is a link or another user's file.

    Its mode is 0600: whoever may open a file may lock it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid() or not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise PermissionError(errno.EPERM, "the lock file is not a file of this user", str(path))
    if stat.S_IMODE(found.st_mode) != _MODE:
        os.fchmod(descriptor, _MODE)
    return descriptor


def hold(path: Path, busy: KitError, patience: float = 0.0, waiting: str = "") -> int:
    """Lock a file exclusively; closing the returned descriptor releases the lock.

    Waits up to ``patience`` seconds for another holder, of which ``waiting`` tells the user, then raises
    ``busy``.
    """
    descriptor = open_file(path)
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < until:
                if waiting:
                    say(waiting)
                    waiting = ""
                time.sleep(_TICK)
                continue
            os.close(descriptor)
            raise busy from None
        return descriptor
