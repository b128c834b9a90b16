# SPDX-License-Identifier: MIT
"""A serial line (or a pseudo-terminal in its place) as a stream: bytes in and out, nothing translated."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import termios
import threading
import time
import tty
from pathlib import Path

from devkit.host.errors import KitError

_SPEEDS = (9600, 19200, 38400, 57600, 115200)


class SerialLine:
    """A line that is open for us alone. The interface is that of a socket, as far as a Channel needs it."""

    def __init__(self, path: Path, baud: int) -> None:
        """Open a line with 8 bits, no parity, no flow control. KitError FQ-SERIAL."""
        if baud not in _SPEEDS:
            raise _fault(f"{baud} is no speed of a serial line", f"one of {', '.join(map(str, _SPEEDS))}")
        try:
            # Without waiting for a carrier, which most cables do not have.
            self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _not_opened(path, error) from error
        try:
            fcntl.ioctl(self._descriptor, termios.TIOCEXCL)
            self._configure(baud)
        except (OSError, termios.error) as error:
            os.close(self._descriptor)
            raise _fault(f"{path} is no serial line", "name one, such as /dev/ttyUSB0") from error
        self._timeout: float | None = None
        self._hung_up = threading.Event()

    def _configure(self, baud: int) -> None:
        tty.setraw(self._descriptor)
        settings = termios.tcgetattr(self._descriptor)
        settings[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        settings[4] = settings[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(self._descriptor, termios.TCSANOW, settings)
        # What nobody read comes from before our time.
        termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def settimeout(self, timeout: float | None) -> None:
        """Set the longest wait of recv and send, in seconds; None waits for good."""
        self._timeout = timeout

    def recv(self, size: int) -> bytes:
        """Return what came, at least a byte; nothing once the line is closed. TimeoutError."""
        ready, _, _ = select.select([self._descriptor], [], [], self._timeout)
        if self._hung_up.is_set():
            return b""
        if not ready:
            raise TimeoutError
        return os.read(self._descriptor, size)

    def send(self, data: bytes | memoryview) -> int:
        """Write what the line takes now and return how much that was; TimeoutError, OSError."""
        until = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            wait = None if until is None else max(0.0, until - time.monotonic())
            _, ready, _ = select.select([], [self._descriptor], [], wait)
            if not ready:
                raise TimeoutError
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                continue

    def shutdown(self, how: int) -> None:
        """End the reading of another thread, at its next time limit."""
        self._hung_up.set()

    def close(self) -> None:
        """Give the line free."""
        os.close(self._descriptor)


def _not_opened(path: Path, error: OSError) -> KitError:
    remedies = {
        errno.EACCES: "add yourself to the group dialout, and log in again",
        errno.EBUSY: "somebody else uses it: leave it there first",
        errno.ENOENT: "is the cable plugged in? ls /dev/ttyUSB* /dev/ttyS* /dev/ttyACM*",
    }
    remedy = remedies.get(error.errno or 0, "name a serial line, such as /dev/ttyUSB0")
    return _fault(f"{path} cannot be opened: {error.strerror}", remedy)


def _fault(what: str, remedy: str) -> KitError:
    return KitError("FQ-SERIAL", what, remedy)
