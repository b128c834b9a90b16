# SPDX-License-Identifier: MIT
"""Processes that the supervisor runs in its namespaces, and those it inherits as pid 1."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from devkit.errors import KitError
from devkit.lab.namespaces import Namespaces, enter


class Children:
    """Start, signal and reap. Each child leads a process group of its own.

    Single-threaded by design: only so may code run between fork and exec (setns).
    """

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def spawn(
        self,
        namespace: str,
        argv: Sequence[str],
        streams: Sequence[int],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        descriptors: Sequence[int] = (),
        prepare: Callable[[], None] | None = None,
    ) -> int:
        """Start ``argv`` with three streams and return its pid; KitError FQ-TOOL if it cannot start.

        It keeps ``descriptors`` beside them. ``prepare`` runs in it before the program does; FQ-SANDBOX where
        that fails.
        """
        descriptor = self._namespaces.descriptor(namespace)
        stdin, stdout, stderr = streams

        def inside() -> None:
            enter(descriptor)
            if prepare:
                prepare()

        try:
            child = subprocess.Popen(
                list(argv), stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=env,
                start_new_session=True, pass_fds=descriptors, preexec_fn=inside,  # noqa: PLW1509
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            what = f"{argv[0]} cannot be confined"
            raise KitError("FQ-SANDBOX", what, "its log says what the kernel refused") from error
        except OSError as error:
            missing = error.filename if error.filename else argv[0]
            what = f"cannot run {argv[0]}: {missing}: {error.strerror}"
            raise KitError("FQ-TOOL", what, "run ./inv doctor") from error
        self._running[child.pid] = child
        return child.pid

    def reap(self) -> dict[int, int]:
        """Statuses of the own children that ended, by pid; a signal is a negative number."""
        ended: dict[int, int] = {}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            child = self._running.pop(pid, None)
            if child is not None:
                ended[pid] = child.returncode = os.waitstatus_to_exitcode(status)

    def signal(self, pid: int, number: int) -> None:
        """Signal the process group of a child that still runs."""
        if pid in self._running:
            os.killpg(pid, number)

    def kill(self, pid: int) -> None:
        """Kill a child and all of its process group."""
        self.signal(pid, signal.SIGKILL)
