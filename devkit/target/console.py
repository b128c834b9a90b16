# SPDX-License-Identifier: MIT
"""The target's interactive console on the user's terminal."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

from devkit.host import file_lock, unix_peer
from devkit.host.errors import KitError
from devkit.host.terminal_text import ConsoleFilter

#: Ctrl-] leaves, as with telnet and virsh.
LEAVE = b"\x1d"
_CHUNK = 65536


def standard_input() -> int | None:
    """Descriptor of standard input; None where it is closed."""
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def is_interactive() -> bool:
    """Whether a person can type: standard input and output are terminals."""
    return standard_input() is not None and os.isatty(0) and os.isatty(1)


def need_terminal(what: str = "the console", instead: str = "use ./inv run -- COMMAND") -> None:
    """Raise KitError FQ-TTY where there is no terminal; ``what`` needs one, ``instead`` does not."""
    if not is_interactive():
        remedy = f"{instead}, or give it a terminal (ssh -t, docker -it)"
        raise KitError("FQ-TTY", f"{what} needs a terminal", remedy)


def interact(path: Path, *, fresh: bool = False) -> bool:
    """Join the terminal with the console at a Unix socket until Ctrl-] or its end.

    ``fresh``: nobody used it yet, so the shell there can be told the size of the window.
    Return True if the user left and the target runs on. KitError: FQ-TTY, FQ-TARGET, FQ-BUSY.
    """
    need_terminal()
    busy = KitError("FQ-BUSY", "somebody else is on this console", "leave it there first (Ctrl-])")
    with os.fdopen(file_lock.hold(path.with_suffix(".lock"), busy)), _connected(path) as sock:
        print("console of the target: Enter shows its prompt, Ctrl-] leaves", flush=True)
        if fresh:
            size = shutil.get_terminal_size()
            sock.sendall(f"stty rows {size.lines} columns {size.columns}\r".encode())
        with _raw(0):
            left = _join(sock, ConsoleFilter(getattr(sys.stdout, "encoding", None) or "utf-8"))
    print(flush=True)
    return left


def _connected(path: Path) -> socket.socket:
    try:
        return unix_peer.connect(path)
    except OSError as error:
        remedy = "./inv status shows what runs"
        raise KitError("FQ-TARGET", "the target has no console any more", remedy) from error


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _join(sock: socket.socket, shown: ConsoleFilter) -> bool:
    try:
        return _copy(sock, shown)
    finally:
        with contextlib.suppress(OSError):
            _write_all(1, shown.leave())


def _copy(sock: socket.socket, shown: ConsoleFilter) -> bool:
    """Copy both ways until Ctrl-] (True) or the end of the console (False)."""
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(sock, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd == 0:
                    typed = os.read(0, _CHUNK)
                    before, leave, _ = typed.partition(LEAVE)
                    sock.sendall(before)
                    if leave or not typed:
                        return True
                else:
                    data = sock.recv(_CHUNK)
                    if not data:
                        return False
                    _write_all(1, shown.feed(data))


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
