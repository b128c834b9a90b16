# SPDX-License-Identifier: MIT
"""TCP of a host with itself, through queues: opened and closed at once, and sent from queue to queue."""

import contextlib
import socket
import time

from checks import holds, same
from fastqueue import abi
from lane import Handler, chain, conserved, enter, ip
from segments import transfer

_BOTH_WAYS = "tcp dport 7000 queue num 0; tcp sport 7000 queue num 0"


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socket(), socket.socket()


def both_hooks_both_ways() -> None:
    """Output and input, requests and answers, in two queues."""
    enter(chain("output", _BOTH_WAYS), chain("input", _BOTH_WAYS.replace("num 0", "num 1")))
    handlers = [Handler(0, frames=256, frame_size=2048), Handler(1, frames=64, frame_size=65536, gso=True)]

    def turn() -> None:
        for handler in handlers:
            handler.answer_all()

    server, client = _pair()
    transfer(server, client, "127.0.0.1", turn)
    for handler in handlers:
        conserved(handler.stats())
        holds(handler.stats().accepted > 10, f"packets passed: {handler.stats()}")


def requeued() -> None:
    """Each packet, large ones whole or taken apart, goes on to a second queue and from there on its way."""
    for whole in (0, 1):
        enter(chain("output", _BOTH_WAYS))
        ip("link set lo mtu 1500")
        first = Handler(0, frames=256 >> 2 * whole, frame_size=65536 if whole else 2048, gso=whole)
        second = Handler(1, frames=256 >> 2 * whole, frame_size=65536 if whole else 2048, gso=whole)

        def turn(first: Handler = first, second: Handler = second) -> None:
            waiting = range(first.fp, first.fa)  # TCP's timers may add to them meanwhile
            for count in waiting:
                first.fields(count, queue=1)
            first.answer(waiting, abi.ANSWER_QUEUE)
            first.settle()
            second.answer_all()

        server, client = _pair()
        transfer(server, client, "127.0.0.1", turn)
        while first.fa != first.fp:
            turn()
        found, after = first.stats(), second.stats()
        same(found.accepted, after.received, "all that left the first came to the second")
        holds(after.accepted > 10, f"packets passed: {after}")
        same(after.segmented, 0, "what is whole or a segment stays so")
        for each in (first, second, server, client):
            each.close()


def connect_close() -> None:
    """Connections that are closed, or reset, as soon as they are asked for, with their packets in frames."""
    enter(chain("output", f"ct state invalid drop; {_BOTH_WAYS}"))
    handler = Handler(frames=256)
    server = socket.socket()
    server.bind(("127.0.0.1", 7000))
    server.listen(64)
    server.setblocking(False)
    accepted = 0
    for turn in range(60):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", 7000))
        for _ in range(turn % 4):
            handler.answer_all()
        if turn % 3 == 0:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
        with contextlib.suppress(BlockingIOError):
            server.accept()[0].close()
            accepted += 1
    server.close()
    until = time.monotonic() + 10
    while handler.fa != handler.fp and time.monotonic() < until:
        handler.answer_all()
    found = handler.stats()
    holds(accepted >= 20, f"{accepted} connections came about")
    same((found.accepted, found.occupied), (found.queued, 0), "packets that went on, and are left")
