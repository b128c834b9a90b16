# SPDX-License-Identifier: MIT
"""Programs that run in the target while the command channel does other things."""

from __future__ import annotations

import itertools
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from devkit.host.errors import KitError
from devkit.host.run_command import last_lines
from devkit.target.base import understood
from devkit.target.qemu import Target

_FOLDER = "/run/background"
_POLL = 0.02
_numbers = itertools.count(1)


@dataclass(frozen=True)
class ExitResult:
    """How a program ended: exit status (128 + signal where one ended it), and all it printed."""

    status: int
    output: str


class Background:
    """A program in the target, known by its own pid. As a context manager: stopped at the end.

    Its output goes to a file in the target; its parent waits for it and leaves its status, so
    that its end can be waited for.
    """

    def __init__(self, target: Target, argv: Sequence[str]) -> None:
        """Start ``argv``; KitError FQ-HANDLER where even that fails."""
        self.target = target
        self.argv = list(argv)
        self._ended: ExitResult | None = None
        self._base = f"{_FOLDER}/{next(_numbers)}-{secrets.token_hex(3)}"
        base = self._base
        inner = f"{shlex.join(argv)} >{base}.log 2>&1 & echo $! >{base}.pid; wait $!; echo $? >{base}.status"
        start = (
            f"mkdir -p {_FOLDER}; setsid sh -c {shlex.quote(inner)} </dev/null >/dev/null 2>&1 & "
            + _until(f"[ -s {base}.pid ]", 30)
            + f"; cat {base}.pid"
        )
        answer = target.run(start).output
        with understood("a process id", answer):
            self.pid = int(answer)

    def wait_ready(self, pattern: str = "^ready", timeout: float = 60.0) -> str:
        """Wait for a line that matches (grep -E) and return it; KitError FQ-HANDLER if it ends before."""
        test = f"grep -qE {shlex.quote(pattern)} {self._base}.log"
        found = self.target.run(
            f"{_until(f'{{ {test} || [ -s {self._base}.status ]; }}', timeout)}; "
            f"grep -m 1 -E {shlex.quote(pattern)} {self._base}.log",
            timeout=timeout + 30,
            check=False,
        )
        if found.status:
            what = "ended" if self._status() is not None else f"was not ready in {timeout:.0f} s"
            raise self._failed(f"{shlex.join(self.argv)} {what}")
        return found.output.strip()

    def wait_count(self, text: str, count: int, timeout: float) -> None:
        """Wait until so many lines have ``text``; KitError FQ-HANDLER if it ends before, or is too slow."""
        test = f'[ "$(grep -cF {shlex.quote(text)} {self._base}.log)" -ge {count} ]'
        done = self.target.run(
            f"{_until(f'{{ {test} || [ -s {self._base}.status ]; }}', timeout)}; {test}",
            timeout=timeout + 30,
            check=False,
        )
        if done.status:
            raise self._failed(f"{shlex.join(self.argv)} did not say {text!r} in {timeout:.0f} s")

    def output(self) -> str:
        """Return what it printed so far."""
        return self.target.run(["cat", f"{self._base}.log"]).output

    def _status(self) -> int | None:
        found = self.target.run(f"cat {self._base}.status 2>/dev/null", check=False).output.strip()
        with understood("an exit status", found):
            return int(found) if found else None

    def signal(self, name: str) -> None:
        """Send a signal (``TERM``, ``KILL``, ``STOP``); none if it has ended."""
        if self._ended is None:
            self.target.run(f"kill -{name} {self.pid} 2>/dev/null", check=False)

    def wait(self, timeout: float = 30.0) -> ExitResult:
        """Wait for its end; KitError FQ-HANDLER where it does not come."""
        if self._ended is None:
            done = self.target.run(
                f"{_until(f'[ -s {self._base}.status ]', timeout)} && cat {self._base}.status",
                timeout=timeout + 30,
                check=False,
            )
            if done.status:
                raise self._failed(f"{shlex.join(self.argv)} does not end")
            with understood("an exit status", done.output):
                status = int(done.output)
            self._ended = ExitResult(status, self.output())
            self.target.run(f"rm -f {self._base}.*")
        return self._ended

    def stop(self, signal: str = "TERM", timeout: float = 30.0) -> ExitResult:
        """Signal it and wait for its end; after ``timeout`` s it is killed and KitError raised.

        One that was stopped (``STOP``) goes on, so that it can end.
        """
        self.signal(signal)
        self.signal("CONT")
        try:
            return self.wait(timeout)
        except KitError:
            self.signal("KILL")
            raise

    def _failed(self, what: str) -> KitError:
        lines = last_lines(self.output())
        return KitError("FQ-HANDLER", what, "read its output above", lines=lines)

    def __enter__(self) -> Background:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _until(test: str, timeout: float) -> str:
    """Shell text that polls until ``test`` holds: status 0, or 1 after about ``timeout`` s."""
    turns = max(1, round(timeout / _POLL))
    return (
        f"{{ n=0; until {test}; do n=$((n+1)); [ $n -lt {turns} ] || break; sleep {_POLL}; done; "
        f"[ $n -lt {turns} ]; }}"
    )
