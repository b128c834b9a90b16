# SPDX-License-Identifier: MIT
"""What can go wrong with a queue, said in one line, with what to do about it."""

from __future__ import annotations

import errno
from typing import NamedTuple


class FastQueueError(Exception):
    """Base of this package's exceptions."""


class QueueError(FastQueueError):
    """A queue cannot be opened, changed or used.

    what:   what happened
    remedy: what to do about it
    errno:  the kernel's error number, 0 when the kernel was not asked
    """

    def __init__(self, what: str, remedy: str, number: int = 0) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        self.remedy = remedy
        self.errno = number


class QueueClosedError(FastQueueError):
    """The kernel will queue nothing more: the namespace or the module is going."""


class _Explanation(NamedTuple):
    what: str
    remedy: str


_NOT_LOADED = _Explanation("{path} is not there: the module is not loaded", "load it: modprobe fastqueue")
_NOT_ALLOWED = _Explanation(
    "not allowed to use queue {queue}",
    "run as root, or with CAP_NET_ADMIN; in a user namespace packets can only be changed if the module's "
    "parameter userns_writable is set",
)

_EXPLANATIONS = {
    errno.ENOENT: _NOT_LOADED,
    errno.ENODEV: _NOT_LOADED,
    errno.ENXIO: _NOT_LOADED,
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EBUSY: _Explanation(
        "queue {queue} has a handler already",
        "stop that one or take another number; python3 -m fastqueue stat lists the queues",
    ),
    errno.EPROTO: _Explanation(
        "the loaded module speaks another version of the ABI",
        "install module and fastqueue package of the same release",
    ),
    errno.EINVAL: _Explanation(
        "the kernel refused the parameters of queue {queue}",
        "look at the limits in linux/fastqueue.h",
    ),
    errno.ENOMEM: _Explanation(
        "no memory for the ring of queue {queue}",
        "take fewer frames or a smaller frame size",
    ),
    errno.ENOTTY: _Explanation("{path} is not a Fast Queue device", "name the device of the module"),
}


def explain(error: OSError, *, queue: int, path: str) -> QueueError:
    """Turn the kernel's answer about queue number ``queue`` at ``path`` into a QueueError."""
    number = error.errno or 0
    known = _EXPLANATIONS.get(number)
    if known is None:
        return QueueError(f"queue {queue}: {error.strerror}", "look at the kernel's log: dmesg", number)
    return QueueError(known.what.format(queue=queue, path=path), known.remedy, number)
