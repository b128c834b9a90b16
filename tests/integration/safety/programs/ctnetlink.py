# SPDX-License-Identifier: MIT
"""An entry of connection tracking made by netlink: it has room for shifts of sequence numbers."""

import os
import socket
import struct

_NEW = 1 << 8  # of the subsystem ctnetlink
_REQUEST, _ACK, _EXCL, _CREATE = 0x1, 0x4, 0x200, 0x400
_NESTED = 0x8000
_ORIG, _REPLY, _NAT_SRC, _TIMEOUT = 1, 2, 6, 7
_TCP = 6


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def _nested(kind: int, *parts: bytes) -> bytes:
    return _attribute(kind | _NESTED, b"".join(parts))


def _tuple(kind: int, source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    addresses = (_attribute(n, socket.inet_aton(each[0])) for n, each in ((1, source), (2, destination)))
    ports = (_attribute(n, struct.pack("!H", each[1])) for n, each in ((2, source), (3, destination)))
    return _nested(kind, _nested(1, *addresses), _nested(2, _attribute(1, bytes([_TCP])), *ports))


def create_tcp(source: tuple[str, int], destination: tuple[str, int], translated: str) -> None:
    """Make an entry for a TCP connection whose source address becomes ``translated``. Raises OSError."""
    address = _attribute(1, socket.inet_aton(translated))
    body = b"".join(
        (
            struct.pack("=BBH", socket.AF_INET, 0, 0),
            _tuple(_ORIG, source, destination),
            _tuple(_REPLY, destination, source),
            _nested(_NAT_SRC, address),
            _attribute(_TIMEOUT, struct.pack("!I", 600)),
        )
    )
    flags = _REQUEST | _ACK | _EXCL | _CREATE
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
        netlink.send(struct.pack("=IHHII", len(body) + 16, _NEW, flags, 1, 0) + body)
        (error,) = struct.unpack_from("=i", netlink.recv(65536), 16)
    if error:
        raise OSError(-error, os.strerror(-error))
