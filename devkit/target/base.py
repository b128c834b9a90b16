# SPDX-License-Identifier: MIT
"""What every target can do, however it is reached: run commands, take and give files."""

from __future__ import annotations

import base64
import contextlib
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from pexpect import EOF

from devkit.host.errors import KitError
from devkit.host.run_command import last_lines
from devkit.target.kernel_log import KernelLog
from devkit.target.shell import Result, Shell, Sink

#: Most that is fetched of a file, unless its reader sets another limit (bytes).
_LARGEST_FILE = 32 << 20


@contextlib.contextmanager
def understood(subject: str, answer: str = "") -> Iterator[None]:
    """Raise KitError FQ-TARGET if reading a target's answer about ``subject`` fails: it may say anything."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        what = f"the target's answer about {subject} cannot be read: {type(error).__name__}: {error}"
        remedy = "build kit and image from one commit; boot the target afresh if something else runs in it"
        raise KitError("FQ-TARGET", what, remedy, lines=last_lines(answer)) from error


class TargetCommands(ABC):
    """A target with a shell at the other end of a channel. ``log`` is what its kernel says."""

    def __init__(self, shell: Shell, log: KernelLog) -> None:
        self.log = log
        self._shell = shell

    @abstractmethod
    def gone(self) -> KitError:
        """Return the error that says why the target is no more."""

    def run(
        self,
        command: str | Sequence[str],
        *,
        timeout: float = 60.0,
        check: bool = True,
        sink: Sink | None = None,
        passes: bool = False,
        quiet: bool = False,
        limit: int | None = None,
    ) -> Result:
        """Run a command in the target: shell syntax, or a list of words.

        Each runs in a shell of its own without standard input; one that is to stay needs
        ``>file 2>&1 &``. ``sink`` gets the output as it comes; with ``passes`` Ctrl-C goes to the command
        and its status is returned; with ``quiet`` nothing is sent to the target while it runs, for figures
        that count each instruction. KitError: FQ-STATUS for a status other than 0 (``check``),
        FQ-TIMEOUT after ``timeout`` s (the target is usable on), FQ-TARGET where the target is gone,
        FQ-CHANNEL where the shell that ran it is, FQ-OUTPUT where it prints more than ``limit`` bytes
        (64 MiB by default) and there is no ``sink``.
        """
        line = command if isinstance(command, str) else shlex.join(command)
        try:
            result = self._shell.run(
                line, timeout=timeout, sink=sink, passes=passes, quiet=quiet, limit=limit
            )
        except EOF as error:
            raise self.gone() from error
        if check and result.status:
            what = f"status {result.status} in the target: {line}"
            lines = last_lines(result.raw)
            raise KitError("FQ-STATUS", what, "see its output", lines=lines, status=result.status)
        return result

    def put(self, source: Path | bytes, destination: str, mode: int = 0o644) -> None:
        """Write a file in the target, from a local file or from bytes; KitError FQ-STATUS, FQ-TARGET."""
        data = source if isinstance(source, bytes) else source.read_bytes()
        try:
            self._shell.put(data, destination, mode)
        except EOF as error:
            raise self.gone() from error

    def get(self, path: str, limit: int = _LARGEST_FILE) -> bytes:
        """Return the contents of a file in the target, of at most ``limit`` bytes.

        KitError FQ-STATUS, FQ-TARGET; FQ-OUTPUT if it is larger.
        """
        # 76 characters and a line end for 57 bytes
        raw = self.run(["base64", path], limit=(limit // 57 + 1) * 77).raw
        with understood(f"the contents of {path}"):
            data = base64.b64decode(raw)
        if len(data) > limit:
            raise KitError(
                "FQ-OUTPUT", f"{path} in the target has more than {limit} bytes", "look what it is"
            )
        return data

    def without_offloads(self) -> None:
        """Turn off checksum and segmentation offloads of both network cards: frames are as they were sent."""
        words = "rx off tx off sg off tso off gso off gro off"
        self.run(f"for nic in eth0 eth1; do ethtool -K $nic {words} || exit; done")
