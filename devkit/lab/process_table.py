# SPDX-License-Identifier: MIT
"""Processes that the supervisor runs in its namespaces, and those it inherits as pid 1."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from devkit.host.errors import KitError
from devkit.lab.namespaces import Namespaces, enter
from devkit.lab.process_namespace import ProcessNamespace


class Children:
    """Start, signal and reap. Each child leads a process group of its own.

    Single-threaded by design: only so may code run between fork and exec (setns).
    """

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        #: Of those that are apart, by their pid.
        self._apart: dict[int, ProcessNamespace] = {}

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
        apart: bool = False,
    ) -> int:
        """Start ``argv`` with three streams and return its pid; KitError FQ-TOOL if it cannot start.

        It keeps ``descriptors`` beside them. ``prepare`` runs in it before the program does; FQ-SANDBOX where
        that fails. ``apart``: in a pid namespace of its own, which ends with it.
        """
        descriptor = self._namespaces.descriptor(namespace)
        stdin, stdout, stderr = streams

        def inside() -> None:
            enter(descriptor)
            if prepare:
                prepare()

        own = _process_namespace(argv[0]) if apart else None
        try:
            with own.entered() if own else contextlib.nullcontext():
                child = subprocess.Popen(
                    list(argv), stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=env,
                    start_new_session=True, pass_fds=descriptors, preexec_fn=inside,  # noqa: PLW1509
                )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            if own:
                own.end()
            raise _cannot_start(argv[0], error) from error
        self._running[child.pid] = child
        if own:
            self._apart[child.pid] = own
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
                if pid in self._apart:
                    self._apart.pop(pid).end()
                ended[pid] = child.returncode = os.waitstatus_to_exitcode(status)

    def signal(self, pid: int, number: int) -> None:
        """Signal the process group of a child that still runs."""
        if pid in self._running:
            os.killpg(pid, number)

    def kill(self, pid: int) -> None:
        """Kill a child and all of its process group."""
        self.signal(pid, signal.SIGKILL)


def _process_namespace(program: str) -> ProcessNamespace:
    try:
        return ProcessNamespace()
    except (OSError, subprocess.SubprocessError) as error:
        what = f"{program} cannot be confined: no pid namespace: {error}"
        raise KitError(
            "FQ-SANDBOX", what, "see user.max_pid_namespaces (sysctl) and the lab's log"
        ) from error


def _cannot_start(program: str, error: Exception) -> KitError:
    if isinstance(error, OSError):
        missing = error.filename if error.filename else program
        return KitError("FQ-TOOL", f"cannot run {program}: {missing}: {error.strerror}", "run ./inv doctor")
    return KitError("FQ-SANDBOX", f"{program} cannot be confined", "its log says what the kernel refused")
