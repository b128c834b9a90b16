# SPDX-License-Identifier: MIT
"""A pid namespace for one sandboxed program: it cannot name, signal or attach to other programs of the lab.

Its first process only sleeps. The program is another one, because signals without a handler do not end the
first process of a namespace. When the first process is killed, the kernel kills all others in the namespace.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from devkit.lab import sandbox
from devkit.lab.namespaces import check

_CLONE_NEWPID = 0x20000000
_OWN = "/proc/self/ns/pid"
_libc = ctypes.CDLL(None, use_errno=True)


class ProcessNamespace:
    """A new pid namespace. Only for a single-threaded process that reaps its children with waitpid(-1)."""

    def __init__(self) -> None:
        """Raises OSError or SubprocessError if the kernel refuses or its first process cannot be confined."""
        with _back_at_the_end():
            check(_libc.unshare(_CLONE_NEWPID), "unshare")
            self._first = subprocess.Popen(
                ["/bin/sleep", "infinity"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                env={}, start_new_session=True, preexec_fn=_confine,  # noqa: PLW1509
            )  # fmt: skip
        self.pid = self._first.pid
        self._handle = os.pidfd_open(self.pid)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put processes that are started inside this block into the namespace."""
        with _back_at_the_end():
            _set(f"/proc/{self.pid}/ns/pid")
            yield

    def end(self) -> None:
        """Kill all that is in it."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        os.close(self._handle)
        # The caller reaps it, by its pid; Popen must not.
        self._first.returncode = -signal.SIGKILL


def _confine() -> None:
    # Ignored, also by sleep: the kernel reaps the processes that it inherits.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sandbox.enter(sandbox.Tree())


def _set(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        check(_libc.setns(descriptor, _CLONE_NEWPID), "setns")
    finally:
        os.close(descriptor)


@contextmanager
def _back_at_the_end() -> Iterator[None]:
    try:
        yield
    finally:
        _set(_OWN)
