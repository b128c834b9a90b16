# SPDX-License-Identifier: MIT
"""The console of a target on a terminal: what a guest left there is gone after Ctrl-]."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
from pathlib import Path

import pytest

from devkit.host.paths import PROJECT
from devkit.host.run_command import python

_JOIN = """
import sys
from pathlib import Path
from devkit.target import console
console.interact(Path(sys.argv[1]))
"""


def _read_until(descriptor: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        seen += os.read(descriptor, 4096)
    return seen


@pytest.fixture
def console(tmp_path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "console.sock"))
    listener.listen(1)
    listener.settimeout(60)
    return listener


@pytest.mark.parametrize("leave", ["by key", "by the end of the target"])
def test_the_terminal_is_given_back_as_it_was(console: socket.socket, leave: str) -> None:
    ours, theirs = pty.openpty()
    argv = python("-c", _JOIN, console.getsockname())
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with (
        console,
        subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process,
    ):
        guest, _ = console.accept()
        with guest:
            guest.sendall(b"\x1b(0\x1b[8m\x1b[?25l\x1b[?1049h\x1b[>4;2mhere")
            assert b"4;2m" not in _read_until(ours, b"here")
            if leave == "by key":
                os.write(ours, b"\x1d")
                left = _read_until(ours, b"\x1b>")
        if leave != "by key":
            left = _read_until(ours, b"\x1b>")
    assert process.returncode == 0
    for order in (b"\x1b[?1049l", b"\x1b(B", b"\x1b[m", b"\x1b[?25h", b"\x1b[r"):
        assert order in left
    os.close(ours)
    os.close(theirs)
