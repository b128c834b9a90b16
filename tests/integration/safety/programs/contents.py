# SPDX-License-Identifier: MIT
"""A verdict is about the bytes that leave: contents that somebody else can still change are copied."""

import os
import socket

from checks import eventually, holds, same
from fastqueue import abi
from fastqueue.meta import Meta
from lane import Handler, chain, enter, ip
from segments import BYTES, transfer

_FILE = "/run/contents"
_PIECE = 1000
_NO_CHECK = 11  # SO_NO_CHECK


def _connected(handler: Handler) -> tuple[socket.socket, socket.socket]:
    server = socket.create_server(("127.0.0.1", 7000))
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", 7000))
    while True:
        handler.answer_all()
        try:
            server.setblocking(False)
            return client, server.accept()[0]
        except BlockingIOError:
            continue


def _data_frames(handler: Handler) -> list[int]:
    counts = range(handler.fp, handler.fa)
    return [count for count in counts if b"before" in bytes(handler.payload(count))]


def file_changes() -> None:
    """A file that is sent from the page cache, and rewritten after the handler has seen it."""
    enter(chain("output", "tcp dport 7000 queue num 0"))
    handler = Handler(frames=64, frame_size=2048)
    client, peer = _connected(handler)
    with open(_FILE, "wb") as file:  # noqa: PTH123
        file.write(b"before" * (_PIECE // 6))
    fd = os.open(_FILE, os.O_RDWR)
    os.sendfile(client.fileno(), fd, 0, _PIECE // 6 * 6)
    eventually(lambda: _data_frames(handler), "the contents in a frame")
    os.pwrite(fd, b"after!" * (_PIECE // 6), 0)
    handler.answer_all()
    peer.settimeout(20)
    same(peer.recv(4096)[:60], b"before" * 10, "contents that left")
    os.close(fd)
    os.unlink(_FILE)  # noqa: PTH108
    for each in (client, peer):
        each.close()


def file_in_a_part_changes() -> None:
    """The same in the second of the parts that one datagram is made of."""
    enter(chain("output", "udp dport 7000 queue num 0"))
    ip("link set lo mtu 1500")
    handler = Handler(frames=64, frame_size=8192)
    receiver, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    receiver.bind(("127.0.0.1", 7000))
    sender.setsockopt(socket.SOL_SOCKET, _NO_CHECK, 1)
    sender.connect(("127.0.0.1", 7000))
    with open(_FILE, "wb") as file:  # noqa: PTH123
        file.write(b"before" * (3 * _PIECE // 6))
    fd = os.open(_FILE, os.O_RDWR)
    sender.send(bytes(1472), socket.MSG_MORE)
    os.sendfile(sender.fileno(), fd, 0, 3 * _PIECE // 6 * 6)
    eventually(lambda: _data_frames(handler), "the contents in a frame")
    os.pwrite(fd, b"after!" * (3 * _PIECE // 6), 0)
    handler.answer_all()
    receiver.settimeout(20)
    same(receiver.recv(8192)[1472:], b"before" * (3 * _PIECE // 6), "contents that left")
    os.close(fd)
    os.unlink(_FILE)  # noqa: PTH108
    for each in (receiver, sender):
        each.close()


def owner_of_segments() -> None:
    """Each segment of a large packet of a local program has its owner."""
    enter(chain("output", "tcp dport 7000 queue num 0"))
    ip("link set lo mtu 1500")
    handler = Handler(frames=256, frame_size=2048, uid=True)
    known: list[bool] = []

    def turn() -> None:
        ring = handler.device.ring
        for count in range(handler.fp, handler.fa):
            meta = Meta.read(ring.meta, count & ring.mask)
            if meta.length > 200:
                known.append(bool(meta.flags & abi.M_UID))
        handler.answer_all()

    transfer(socket.socket(), socket.socket(), "127.0.0.1", turn)
    holds(handler.stats().segmented, "large packets were taken apart")
    holds(len(known) > BYTES // 1500, f"{len(known)} segments with data")
    same(known.count(False), 0, f"segments without an owner, of {len(known)}")
