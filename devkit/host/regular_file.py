# SPDX-License-Identifier: MIT
"""Read files of a directory that a sandboxed program may write to: it may put anything there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def read(path: Path, limit: int) -> bytes:
    """Return the contents of a regular file of at most ``limit`` bytes. Never waits, follows no link.

    Raises OSError if there is none, if it is a link, a pipe or a device, or if it is larger.
    """
    descriptor = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", str(path))
    return data
