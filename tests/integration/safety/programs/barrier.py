# SPDX-License-Identifier: MIT
"""Wait until no packet is between a queue and the sockets behind this namespace's loopback."""

import os
import socket

import libc

_ETHERTYPE = 0x88B5  # for local experiments: no protocol of the kernel's takes it, and no rule sees it
_PATIENCE = 60.0  # s


class Barrier:
    """A frame that is queued at the loopback behind all packets that a sender has let go.

    Packets of one device are received in the order in which they came, by one processor
    (``lane.enter``): when the frame has arrived, so have they.
    """

    def __init__(self) -> None:
        self._number = 0
        self._sockets = [socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) for _ in range(2)]
        self._out, self._in = self._sockets
        self._out.bind(("lo", 0))
        self._in.bind(("lo", _ETHERTYPE))
        self._in.settimeout(_PATIENCE)

    def wait(self) -> None:
        """Return once a sender at work on another processor has let its packets go, and all have arrived."""
        if (os.cpu_count() or 1) > 1:
            libc.membarrier()  # a sender works in a read-side section of RCU
        self._number += 1
        frame = self._number.to_bytes(4, "big")
        self._out.sendto(frame, ("lo", _ETHERTYPE))
        while self._in.recv(64)[:4] != frame:
            pass

    def close(self) -> None:
        """Close the sockets."""
        for each in self._sockets:
            each.close()
