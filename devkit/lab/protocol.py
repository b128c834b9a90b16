# SPDX-License-Identifier: MIT
"""Messages on a lab's control socket: one JSON object a packet, descriptors beside it.

The socket keeps packet boundaries (SOCK_SEQPACKET), so a message is whole or missing.

    request                                                  answer
    exec    namespace argv cwd env lasting  + 3 descriptors  {pid}, later {status}
            privileged tree (see lab.sandbox, or null)
    signal  number        (where exec was asked)             none
    machine launch (see lab.machine)        + descriptors    {pid}, later {status}
    socket  namespace family type proto                      {} + 1 descriptor
    describe target                                          {}
    info                                                     {name started logs detached target}
    stop                                                     {}, then the lab ends

On the connection that the lab was started with (it ends when that one is closed):

    detach  ends_with     (pid or null)                      {}

An answer with ``error`` has the fields of a KitError.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devkit.host import unix_peer
from devkit.host.errors import KitError

Message = dict[str, Any]

#: Longest message in bytes; the kernel's default send buffer takes it whole.
LIMIT = 128 * 1024
MAX_DESCRIPTORS = 8


def connection() -> socket.socket:
    """Return a new socket of the kind that the control socket is."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def connect(path: Path) -> socket.socket:
    """Return a connection to the supervisor at ``path``; OSError if there is none, FQ-PEER if foreign."""
    return unix_peer.connect(path, socket.SOCK_SEQPACKET)


def send(sock: socket.socket, message: Message, descriptors: Sequence[int] = ()) -> None:
    """Send one message; KitError FQ-LAB where it is too long (a huge argument or environment)."""
    packet = json.dumps(message).encode()
    if len(packet) > LIMIT:
        raise KitError("FQ-LAB", f"a request of {len(packet)} bytes is too long", "pass long data in a file")
    socket.send_fds(sock, [packet], list(descriptors))


def receive(sock: socket.socket) -> tuple[Message | None, list[int]]:
    """Return the next message and its descriptors; None at the end of the connection."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(sock, LIMIT, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:
        return None, []
    if not packet:
        return None, descriptors
    message: Message = json.loads(packet)
    return message, descriptors


def as_message(error: KitError) -> Message:
    """Return the answer that carries an error."""
    fields = {"code": error.code, "what": error.what, "remedy": error.remedy, "lines": error.lines}
    return {"error": fields}


def checked(message: Message | None) -> Message:
    """Return the answer, or raise the error it carries; FQ-LAB where the lab hung up."""
    if message is None:
        raise KitError("FQ-LAB", "the lab ended", "./inv status, then start it again")
    if "error" in message:
        fields = message["error"]
        raise KitError(fields["code"], fields["what"], fields["remedy"], lines=fields["lines"])
    return message
