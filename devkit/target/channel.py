# SPDX-License-Identifier: MIT
"""A stream that pexpect can read from, drained in the background."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pexpect import EOF, TIMEOUT
from pexpect.spawnbase import SpawnBase

from devkit.host import unix_peer
from devkit.host.errors import KitError

if TYPE_CHECKING:
    _Base = SpawnBase[bytes]
else:
    _Base = SpawnBase

_CHUNK = 65536
_TICK = 0.5
#: Limit of what is read ahead (bytes), and the overhead that is counted per piece.
_MOST = 16 << 20
_PIECE = 64


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

    A thread of its own empties the socket, so that a target is not made to wait for a reader that is busy
    for a moment; no more than _MOST bytes ahead of it, however small the pieces are.
    """

    def __init__(self, sock: Stream) -> None:
        super().__init__(timeout=30, maxread=_CHUNK)
        self._sock = sock
        self._sock.settimeout(_TICK)
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._hung_up = False
        self._rest = b""
        self._ended = False
        self._thread = threading.Thread(target=self._drain, name="channel", daemon=True)
        self._thread.start()

    @classmethod
    def connect(cls, path: Path) -> Channel:
        """Connect to a Unix socket of this user; OSError where nobody listens, KitError FQ-PEER."""
        return cls(unix_peer.connect(path))

    def _drain(self) -> None:
        while True:
            try:
                chunk = self._sock.recv(_CHUNK)
            except TimeoutError:
                continue
            except OSError:
                chunk = b""
            with self._changed:
                self._chunks.append(chunk)
                self._waiting += len(chunk) + _PIECE
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting < _MOST or self._hung_up)
            if not chunk or self._hung_up:
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
        with self._changed:
            ready = self._changed.wait_for(
                lambda: self._chunks, timeout=None if timeout is None else max(timeout, 0)
            )
            if not ready:
                raise TIMEOUT("nothing to read")
            chunk = self._chunks.popleft()
            self._waiting -= len(chunk) + _PIECE
            self._changed.notify_all()
        if not chunk:
            self._ended = self.flag_eof = True
            raise EOF("the other end is closed")
        return chunk

    def take(self, timeout: float) -> bytes:
        """Return what expect() left over, or else the next bytes to come; TIMEOUT, EOF as above."""
        if self.buffer:
            left, self.buffer = self.buffer, b""
            return left
        return self.read_nonblocking(_CHUNK, timeout)

    def give_back(self, data: bytes) -> None:
        """Have the next take() return ``data`` first."""
        self.buffer = data + self.buffer

    def send(self, data: bytes, timeout: float = 30.0) -> None:
        """Write all of ``data``; KitError FQ-CHANNEL if it is not taken within ``timeout`` seconds."""
        view = memoryview(data)
        deadline = time.monotonic() + timeout
        while view:
            try:
                view = view[self._sock.send(view) :]
            except TimeoutError:
                pass
            except OSError as error:
                raise EOF("the other end is closed") from error
            if view and time.monotonic() > deadline:
                raise _stuck("the target takes no more input")

    def close(self) -> None:
        """Hang up; the thread ends with it."""
        with self._changed:
            self._hung_up = True
            self._changed.notify_all()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._sock.close()
        self.closed = True


def _stuck(what: str) -> KitError:
    return KitError("FQ-CHANNEL", what, "./inv down, then ./inv boot: the command channel is lost")
