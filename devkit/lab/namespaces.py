# SPDX-License-Identifier: MIT
"""Network namespaces held open by file descriptors: none is named, so none can be left behind."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_CLONE_NEWNET = 0x40000000
_OWN = "/proc/thread-self/ns/net"
_libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, call: str) -> None:
    """Raise OSError if a call of the C library failed."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def enter(namespace: int) -> None:
    """Move the calling thread into the network namespace of an open descriptor (os.setns is 3.12's)."""
    check(_libc.setns(namespace, _CLONE_NEWNET), "setns")


class Namespaces:
    """The namespace the process is in, under the name ``home``, and new empty ones.

    Not for several threads: only the calling one is moved.
    """

    def __init__(self, home: str, others: Sequence[str]) -> None:
        self._home = home
        self._open = {home: os.open(_OWN, os.O_RDONLY)}
        for name in others:
            check(_libc.unshare(_CLONE_NEWNET), "unshare")
            self._open[name] = os.open(_OWN, os.O_RDONLY)
            enter(self._open[home])

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def descriptor(self, name: str) -> int:
        """Descriptor of a namespace; KeyError for an unknown name."""
        return self._open[name]

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Be in a namespace for a moment: what is made there (a socket) stays there."""
        enter(self._open[name])
        try:
            yield
        finally:
            enter(self._open[self._home])
