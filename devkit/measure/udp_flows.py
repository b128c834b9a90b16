# SPDX-License-Identifier: MIT
"""Numbered datagrams from the client to the server: which flows arrive, and which do not."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from devkit.lab.client import Lab

#: Datagrams of each flow that are under way at a time: no queue on their way is shorter.
BURST = 20

_ARRIVAL_TIME = 20.0


@dataclass(frozen=True)
class UdpFlow:
    """A UDP flow by its destination port: datagrams sent, and those that the server got."""

    port: int
    sent: int
    arrived: int


def exchange(lab: Lab, address: str, *, passing: int, dropped: int, number: int) -> tuple[UdpFlow, UdpFlow]:
    """Send ``number`` datagrams to each of two ports of ``address`` in the server, in turn.

    Returns the flow that should pass and the one that should not, with what really arrived. In each
    turn the passing one is the last: when it is there, the other has been decided about. The wait
    for it ends after 20 s.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    arrived = {passing: 0, dropped: 0}
    with (
        lab.socket("server", family, socket.SOCK_DGRAM) as good,
        lab.socket("server", family, socket.SOCK_DGRAM) as bad,
        lab.socket("client", family, socket.SOCK_DGRAM) as outbox,
    ):
        good.bind((address, passing))
        bad.bind((address, dropped))
        # The first alone: hosts and router look for one another.
        for burst in (1, *_bursts(number - 1)):
            for _ in range(burst):
                outbox.sendto(b"fastqueue", (address, dropped))
                outbox.sendto(b"fastqueue", (address, passing))
            came = _receive(good, burst)
            arrived[passing] += came
            if came < burst:
                break
        arrived[dropped] = _receive(bad, 0)
    return UdpFlow(passing, number, arrived[passing]), UdpFlow(dropped, number, arrived[dropped])


def _bursts(number: int) -> Iterator[int]:
    for start in range(0, number, BURST):
        yield min(BURST, number - start)


def _receive(inbox: socket.socket, expected: int) -> int:
    """Count datagrams: wait for the expected ones, then take what else is there, until the time is over."""
    deadline = time.monotonic() + _ARRIVAL_TIME
    arrived = 0
    while (left := deadline - time.monotonic()) > 0:
        inbox.settimeout(left if arrived < expected else 0.0)
        try:
            inbox.recv(2048)
        except (BlockingIOError, TimeoutError):
            break
        arrived += 1
    return arrived
