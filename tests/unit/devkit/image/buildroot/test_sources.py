# SPDX-License-Identifier: MIT
"""Whether Buildroot's mirror is asked for archives."""

from __future__ import annotations

import socket
import threading

import pytest

from devkit.image.buildroot import sources


@pytest.mark.parametrize(
    ("answer", "reached"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", True),
        (b"HTTP/1.0 403 Forbidden\r\n\r\n", False),
        (b"not what a web server says\r\n", False),
        (b"", False),
    ],
    ids=["yes", "no", "gateway", "hangs-up"],
)
def test_an_answer_counts_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, reached: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(sources, "PROBE", f"http://127.0.0.1:{server.getsockname()[1]}/")
        monkeypatch.setenv("no_proxy", "127.0.0.1")

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert sources.answers() is reached
        thread.join()
