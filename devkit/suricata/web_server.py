# SPDX-License-Identifier: MIT
"""A web server in the lab that answers all requests alike, and bears what a hostile guest sends to it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds for a whole connection, from its beginning to the end of the answer.
PATIENCE = 3.0
#: Most of a request (bytes).
LARGEST = 16 << 10
#: Most connections at a time; others wait to be accepted.
MOST = 16
#: Most requests that are kept.
_KEPT = 1000

_END = b"\r\n\r\n"
_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


@contextmanager
def serving(listener: socket.socket) -> Iterator[list[str]]:
    """Answer the connections of ``listener``; the list is of the first requests that came."""
    reached: list[str] = []
    thread = threading.Thread(target=_serve, args=(listener, reached), daemon=True)
    thread.start()
    try:
        yield reached
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def forget_at_close(connection: socket.socket, *, forget: bool = True) -> None:
    """Have close() end a connection at once: what is dropped on its way would be sent again for minutes."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", forget, 0))


def _serve(listener: socket.socket, reached: list[str]) -> None:
    free = threading.BoundedSemaphore(MOST)
    with contextlib.suppress(OSError):  # shut down
        while True:
            free.acquire()
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, reached, free), daemon=True).start()


def _answer(connection: socket.socket, reached: list[str], free: threading.BoundedSemaphore) -> None:
    deadline = time.monotonic() + PATIENCE
    try:
        with connection, contextlib.suppress(OSError):
            forget_at_close(connection)
            request = _request(connection, deadline)
            if request is None:
                return
            if len(reached) < _KEPT:
                reached.append(request.decode(errors="replace"))
            forget_at_close(connection, forget=False)
            _set_time(connection, deadline)
            connection.sendall(_PAGE)
    finally:
        free.release()


def _request(connection: socket.socket, deadline: float) -> bytes | None:
    """Return what came up to an empty line, or None if there is none within time and LARGEST bytes."""
    data = bytearray()
    while len(data) < LARGEST:
        _set_time(connection, deadline)
        part = connection.recv(min(4096, LARGEST - len(data)))
        if not part:
            return None
        searched = max(0, len(data) - len(_END) + 1)
        data += part
        if data.find(_END, searched) >= 0:
            return bytes(data)
    return None


def _set_time(connection: socket.socket, deadline: float) -> None:
    """Let the next call wait until ``deadline``; TimeoutError if it is over."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
