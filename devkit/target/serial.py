# SPDX-License-Identifier: MIT
"""A board at the other end of a serial line: one console for its kernel, its people and our commands."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pexpect import EOF, TIMEOUT

from devkit.host import bounded_log
from devkit.host.errors import KitError
from devkit.host.paths import LOGS
from devkit.target.base import TargetCommands
from devkit.target.channel import Channel
from devkit.target.kernel_log import KernelLog
from devkit.target.serial_line import SerialLine
from devkit.target.shell import Shell

#: Of the image's console.
BAUD = 115200
_ADDRESS = re.compile(r"serial:(?P<path>[^@]+)(@(?P<baud>\d+))?")
_FIRST_ANSWER = 3.0


@dataclass(frozen=True)
class Address:
    """Where a board is: ``serial:/dev/ttyUSB0``, or with another speed ``serial:/dev/ttyUSB0@38400``."""

    path: Path
    baud: int = BAUD

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address; KitError FQ-ARGUMENT."""
        found = _ADDRESS.fullmatch(text)
        if not found:
            remedy = "serial:/dev/ttyUSB0, or serial:/dev/ttyUSB0@38400"
            raise KitError("FQ-ARGUMENT", f"{text!r} is no target", remedy, status=2)
        return cls(Path(found["path"]), int(found["baud"] or BAUD))


class SerialTarget(TargetCommands):
    """A running board. Its kernel's messages are kept off the line and asked for."""

    def __init__(self, shell: Shell, address: Address) -> None:
        super().__init__(shell, AskedLog(shell, LOGS / "serial" / f"{address.path.name}.log"))
        self._address = address
        self._level = ""

    @classmethod
    def attach(cls, address: Address, patience: float = 120.0) -> SerialTarget:
        """Take over the console of a board that runs, or that comes up within ``patience`` seconds.

        KitError FQ-SERIAL where nobody answers or the line cannot be used, FQ-TARGET where it goes away.
        """
        shell = Shell(Channel(SerialLine(address.path, address.baud)))
        try:
            try:
                _wake(shell, address, patience)
            except EOF as error:
                raise _gone(address) from error
            target = cls(shell, address)
            # The number of messages to keep comes first.
            target._level = target.run("cut -f 1 /proc/sys/kernel/printk; dmesg -n 1").output.strip()
            target.without_offloads()
        except BaseException:
            shell.close()
            raise
        return target

    def gone(self) -> KitError:
        """Return the error that says that the line is no more."""
        return _gone(self._address)

    def close(self) -> None:
        """Give the console back to people, as it was; the board runs on."""
        with contextlib.suppress(KitError, EOF):
            self.run(f"dmesg -n {self._level}")
            # init starts the console anew, with its prompt.
            self._shell.channel.send(b"exit\n")
        self._shell.close()

    def __enter__(self) -> SerialTarget:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AskedLog(KernelLog):
    """The kernel's log, fetched through the shell whenever somebody looks, and kept in a file."""

    def __init__(self, shell: Shell, path: Path) -> None:
        super().__init__(path)
        self._shell = shell
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = bounded_log.Writer(path)

    def read(self, since: int = 0) -> tuple[int, bytes]:
        """As KernelLog has it, up to now."""
        self._fetch()
        return super().read(since)

    def mark(self) -> int:
        """As KernelLog has it, up to now."""
        self._fetch()
        return super().mark()

    def _fetch(self) -> None:
        # Read and clear: the kernel's buffer is a ring, and offsets into it would not stay.
        with contextlib.suppress(EOF):
            self._writer.write(self._shell.run("dmesg -c").raw)


def _gone(address: Address) -> KitError:
    return KitError("FQ-TARGET", f"{address.path} is gone", "look at the cable and the board's power")


def _wake(shell: Shell, address: Address, patience: float) -> None:
    """Get a plain shell on the console, whatever is there: a prompt, a command, a board that boots."""
    until = time.monotonic() + patience
    wait, end = _FIRST_ANSWER, b""
    while time.monotonic() < until:
        # A shell that neither edits nor prompts in the place of the one for people.
        shell.channel.send(end + b"\nexec /bin/sh +i\n")
        with contextlib.suppress(TIMEOUT):
            if shell.answered(shell.call(), min(wait, until - time.monotonic())):
                return
        # Now end whatever runs there. That throws away what waits to be read, so a slow board gets more
        # and more time: asked too often, it would never come to an answer.
        wait, end = 2 * wait, b"\x03"
    what = f"no shell answers on {address.path} at {address.baud} baud in {patience:.0f} s"
    remedy = "is the board on, its cable crossed, the speed that of its console (serial:PATH@BAUD)?"
    raise KitError("FQ-SERIAL", what, remedy)
