# SPDX-License-Identifier: MIT
"""Numbered datagrams from the client to the server: which flows arrive, and which do not."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from devkit.errors import KitError
from devkit.lab.client import Lab

_ARRIVAL_TIME = 20.0


@dataclass(frozen=True)
class Flow:
    """A UDP flow by its destination port: datagrams sent, and those that the server got."""

    port: int
    sent: int
    arrived: int


def exchange(
    lab: Lab, address: str, *, passing: int, dropped: int, number: int, settled: Callable[[], bool]
) -> tuple[Flow, Flow]:
    """Send ``number`` datagrams to each of two ports of ``address`` in the server, in turn.

    Returns the flow that should pass and the one that should not, with what really arrived.
    ``settled`` says whether the target has decided about all of them; only then does it count that
    nothing more comes. KitError FQ-FLOW where that takes too long.
    """
    # The passing flow's last datagram is the last of all: behind it comes nothing that was accepted.
    ports = (dropped, passing)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    inboxes = {port: lab.socket("server", family, socket.SOCK_DGRAM) for port in ports}
    try:
        for port, inbox in inboxes.items():
            inbox.bind((address, port))
        with lab.socket("client", family, socket.SOCK_DGRAM) as outbox:
            for count in range(number):
                for port in ports:
                    outbox.sendto(b"fastqueue %d" % count, (address, port))
        _wait(settled, "the target does not decide about all packets of the flows")
        arrived = {passing: _receive(inboxes[passing], number), dropped: _receive(inboxes[dropped], 0)}
    finally:
        for inbox in inboxes.values():
            inbox.close()
    return Flow(passing, number, arrived[passing]), Flow(dropped, number, arrived[dropped])


def _wait(settled: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _ARRIVAL_TIME
    while not settled():
        if time.monotonic() > deadline:
            raise KitError("FQ-FLOW", what, "./inv run -- cat /proc/net/fastqueue shows the counters")


def _receive(inbox: socket.socket, expected: int) -> int:
    """Count datagrams: wait for the expected ones, then take what else is there."""
    deadline = time.monotonic() + _ARRIVAL_TIME
    arrived = 0
    while True:
        waiting = arrived < expected
        inbox.settimeout(max(0.0, deadline - time.monotonic()) if waiting else 0.0)
        try:
            inbox.recv(2048)
        except (BlockingIOError, TimeoutError):
            return arrived
        arrived += 1
