# SPDX-License-Identifier: MIT
"""A stream that pexpect can read from, drained in the background."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pexpect import EOF, TIMEOUT
from pexpect.spawnbase import SpawnBase

from devkit.errors import KitError

if TYPE_CHECKING:
    _Base = SpawnBase[bytes]
else:
    _Base = SpawnBase

_CHUNK = 65536
_TICK = 0.5


class Stream(Protocol):
    """What a Channel needs of a socket; a serial line has it too."""

    def settimeout(self, timeout: float, /) -> None:
        """Set the longest wait of the others, in seconds."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Return what came; nothing at the end. TimeoutError, OSError."""
        ...

    def send(self, data: memoryview, /) -> int:
        """Send some of ``data`` and return how much. TimeoutError, OSError."""
        ...

    def shutdown(self, how: int, /) -> None:
        """End both directions, for a thread that reads too."""
        ...

    def close(self) -> None:
        """Give it free."""
        ...


class Channel(_Base):
    """pexpect over a connected socket or a serial line, bytes in and out.

    A thread of its own empties the socket: QEMU drops what a virtual console says while its
    socket is full, so a reader that is busy elsewhere would lose output, markers included.
    """

    def __init__(self, sock: Stream) -> None:
        super().__init__(timeout=30, maxread=_CHUNK)
        self._sock = sock
        self._sock.settimeout(_TICK)
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._rest = b""
        self._ended = False
        self._thread = threading.Thread(target=self._drain, name="channel", daemon=True)
        self._thread.start()

    @classmethod
    def connect(cls, path: Path) -> Channel:
        """Connect to a Unix socket; OSError where nobody listens."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(str(path))
        except OSError:
            sock.close()
            raise
        return cls(sock)

    def _drain(self) -> None:
        while True:
            try:
                chunk = self._sock.recv(_CHUNK)
            except TimeoutError:
                continue
            except OSError:
                chunk = b""
            self._chunks.put(chunk)
            if not chunk:
                return

    def read_nonblocking(self, size: int = 1, timeout: float | None = None) -> bytes:
        """Return up to ``size`` bytes as soon as there are any; TIMEOUT and EOF are pexpect's.

        ``timeout`` in seconds; None waits for good and -1 stands for the channel's own.
        """
        if not self._rest:
            self._rest = self._next(self.timeout if timeout == -1 else timeout)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _next(self, timeout: float | None) -> bytes:
        if self._ended:
            raise EOF("the other end is closed")
        try:
            chunk = self._chunks.get(timeout=None if timeout is None else max(timeout, 0))
        except queue.Empty:
            raise TIMEOUT("nothing to read") from None
        chunks = [chunk]
        while chunks[-1] and not self._chunks.empty():
            chunks.append(self._chunks.get())
        self._ended = self.flag_eof = not chunks[-1]
        if not chunk:
            raise EOF("the other end is closed")
        return b"".join(chunks)

    def take(self, timeout: float) -> bytes:
        """Return what expect() left over, or else the next bytes to come; TIMEOUT, EOF as above."""
        if self.buffer:
            left, self.buffer = self.buffer, b""
            return left
        return self.read_nonblocking(_CHUNK, timeout)

    def send(self, data: bytes, timeout: float = 30.0) -> None:
        """Write all of ``data``; KitError FQ-CHANNEL if nothing of it is taken for ``timeout`` seconds."""
        view = memoryview(data)
        deadline = time.monotonic() + timeout
        while view:
            try:
                view = view[self._sock.send(view) :]
                deadline = time.monotonic() + timeout
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise _stuck("the target takes no more input") from None
            except OSError as error:
                raise EOF("the other end is closed") from error

    def close(self) -> None:
        """Hang up; the thread ends with it."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._sock.close()
        self.closed = True


def _stuck(what: str) -> KitError:
    return KitError("FQ-CHANNEL", what, "./inv down, then ./inv boot: the command channel is lost")
