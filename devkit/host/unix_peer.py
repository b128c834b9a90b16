# SPDX-License-Identifier: MIT
"""Unix sockets whose other end must be a process of this user."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple

from devkit.host.errors import KitError


class Credentials(NamedTuple):
    """Process, user and group at the other end, as seen from this process's namespaces."""

    pid: int
    uid: int
    gid: int


def credentials(sock: socket.socket) -> Credentials:
    """Return who made the other end of a connected socket: the listener, or who connected."""
    size = struct.calcsize("3i")
    return Credentials(*struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)))


def check(sock: socket.socket) -> None:
    """KitError FQ-PEER where the other end of a connected socket belongs to another user."""
    found = credentials(sock)
    if found.uid != os.geteuid():
        what = f"the process {found.pid} at the other end of a socket belongs to the user id {found.uid}"
        raise KitError("FQ-PEER", what, "run the kit as the user who started the lab")


def connect(path: Path, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Return a socket that is connected to a listener of this user; OSError where there is none, FQ-PEER."""
    sock = socket.socket(socket.AF_UNIX, kind)
    try:
        sock.connect(str(path))
        check(sock)
    except BaseException:
        sock.close()
        raise
    return sock
