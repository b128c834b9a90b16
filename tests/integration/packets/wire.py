# SPDX-License-Identifier: MIT
"""Both ends of the target's cables: send frames on one side, see what arrives on the other."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterable
from types import TracebackType

from frames import SIDES, Crafter, Frame, number_of, without_padding

from devkit.lab.client import Lab
from devkit.lab.topology import Side, Topology

#: Packets to this UDP port are accepted before any queue rule, and so overtake nothing and wait for nobody.
MARKER_PORT = 9

#: At most this many frames are sent before somebody waits for the target: a tap holds 500 and more.
BURST = 400

_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_PACKET_IGNORE_OUTGOING = 23
_ARRIVAL_TIME = 60.0
_TICK = 0.2
_BUFFER = 8 << 20


class Sniffer:
    """Takes the session's frames from a host's interface, from its beginning to its end, in a thread."""

    def __init__(self, lab: Lab, side: Side) -> None:
        self._sock = lab.socket(side.name, socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        with contextlib.suppress(PermissionError):
            self._sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._sock.settimeout(_TICK)
        self._sock.bind((side.endpoint.interface, _ETH_P_ALL))
        self._arrived = threading.Condition()
        self._frames: list[tuple[int, bytes]] = []
        self._running = True
        self._thread = threading.Thread(target=self._listen, name=f"sniffer {side.name}", daemon=True)
        self._thread.start()

    def send(self, frame: Frame) -> None:
        """Send from this side."""
        self._sock.send(frame.data)

    def _listen(self) -> None:
        while self._running:
            with contextlib.suppress(TimeoutError):
                data = self._sock.recv(65536)
                number = number_of(data)
                if number is not None:
                    with self._arrived:
                        self._frames.append((number, data))
                        self._arrived.notify_all()

    def count(self) -> int:
        """Return how many frames arrived since the last take()."""
        with self._arrived:
            return len(self._frames)

    def take(self, marker: int) -> list[bytes]:
        """Wait for the frame with the number ``marker``; return those before it and forget them."""
        with self._arrived:
            found = self._arrived.wait_for(
                lambda: any(number == marker for number, _ in self._frames), timeout=_ARRIVAL_TIME
            )
            assert found, f"nothing passes the target: no marker in {_ARRIVAL_TIME:.0f} s"
            position = next(place for place, (number, _) in enumerate(self._frames) if number == marker)
            taken, self._frames = self._frames[:position], self._frames[position + 1 :]
        _, lost = struct.unpack("II", self._sock.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        assert not lost, f"the sniffer itself lost {lost} frames"
        return [without_padding(data) for _, data in taken]

    def close(self) -> None:
        """End the thread."""
        self._running = False
        self._thread.join()
        self._sock.close()


class Wires:
    """Both sides. ``make`` crafts the frames."""

    def __init__(self, lab: Lab, topology: Topology) -> None:
        self.make = Crafter(topology)
        self._sniffers = {side.name: Sniffer(lab, side) for side in topology.sides}

    def send(self, frames: Iterable[Frame]) -> int:
        """Send frames, each on its side; return how many."""
        count = 0
        for frame in frames:
            self._sniffers[frame.source].send(frame)
            count += 1
        assert count <= BURST, f"{count} frames at once may overrun a tap: wait for some of them before"
        return count

    def arrived(self) -> dict[str, list[bytes]]:
        """Return what arrived on each side, in order, since the last call.

        A marker is sent after what was sent so far. It passes the target without being queued, so the
        caller has to see to it that all before has been decided about.
        """
        found = {}
        for side in SIDES:
            marker = self.make.frame("udp4", SIDES[1 - SIDES.index(side)], port=MARKER_PORT)
            self.send([marker])
            found[side] = self._sniffers[side].take(marker.number)
        return found

    def wait_count(self, side: str, count: int) -> None:
        """Wait until so many frames arrived on a side since the last arrived()."""
        deadline = time.monotonic() + _ARRIVAL_TIME
        while self._sniffers[side].count() < count:
            seen = self._sniffers[side].count()
            assert time.monotonic() < deadline, f"{seen} of {count} frames arrived at the {side}"
            time.sleep(0.01)

    def close(self) -> None:
        """Stop sniffing."""
        for sniffer in self._sniffers.values():
            sniffer.close()

    def __enter__(self) -> Wires:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def expected(frames: Iterable[Frame]) -> dict[str, list[bytes]]:
    """Return what arrived() has when exactly these frames pass, in their order."""
    found: dict[str, list[bytes]] = {side: [] for side in SIDES}
    for frame in frames:
        found[frame.destination].append(frame.expected)
    return found
