# SPDX-License-Identifier: MIT
"""The server of the demonstration is bounded in memory, threads and time, whatever a guest sends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from devkit.suricata import web_server

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        yield listener


def connect(listener: socket.socket) -> socket.socket:
    client = socket.create_connection(listener.getsockname(), timeout=30)
    client.settimeout(30)
    return client


def answer(client: socket.socket) -> bytes:
    """Return all that comes; nothing if the connection is reset."""
    try:
        return b"".join(iter(lambda: client.recv(4096), b""))
    except ConnectionResetError:
        return b""


def test_a_request_in_pieces_is_answered_and_kept(listener: socket.socket) -> None:
    with web_server.serving(listener) as reached, connect(listener) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in REQUEST:
            client.send(bytes([byte]))
        assert answer(client).startswith(b"HTTP/1.1 200")
        assert reached == [REQUEST.decode()]


def test_bytes_that_are_no_text(listener: socket.socket) -> None:
    with web_server.serving(listener) as reached, connect(listener) as client:
        client.sendall(b"GET /\xff\x1b HTTP/1.1\r\n\r\n")
        assert answer(client).startswith(b"HTTP/1.1 200")
        assert reached == ["GET /\ufffd\x1b HTTP/1.1\r\n\r\n"]


def test_a_request_without_an_end_is_given_up(listener: socket.socket) -> None:
    with web_server.serving(listener) as reached, connect(listener) as client:
        client.sendall(b"x" * web_server.LARGEST)
        assert answer(client) == b""
        with connect(listener) as other:
            other.sendall(b"x" * (web_server.LARGEST - 4) + b"\r\n\r\n")
            assert answer(other).startswith(b"HTTP/1.1 200")
        assert len(reached) == 1


def test_whoever_sends_a_byte_now_and_then_has_the_same_time(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_server, "PATIENCE", 1.0)
    ended = threading.Event()
    with web_server.serving(listener) as reached, connect(listener) as client:

        def trickle() -> None:
            try:
                while not ended.wait(0.1):
                    client.send(b"x")
            except OSError:
                ended.set()

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            assert answer(client) == b""
        finally:
            ended.set()
            thread.join()
        assert reached == []


def test_connections_at_a_time_and_kept_requests_are_bounded(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_server, "PATIENCE", 2.0)
    monkeypatch.setattr(web_server, "_KEPT", 1)
    before = threading.active_count()
    with web_server.serving(listener) as reached:
        silent = [connect(listener) for _ in range(3 * web_server.MOST)]
        most = 0
        with connect(listener) as client:
            client.sendall(REQUEST)
            watcher = threading.Event()
            while not reached:
                most = max(most, threading.active_count() - before)
                watcher.wait(0.02)
            assert answer(client).startswith(b"HTTP/1.1 200")
        with connect(listener) as client:
            client.sendall(REQUEST)
            assert answer(client).startswith(b"HTTP/1.1 200")
        for one in silent:
            one.close()
    assert len(reached) == 1
    assert most <= web_server.MOST + 1
