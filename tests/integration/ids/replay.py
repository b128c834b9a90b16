# SPDX-License-Identifier: MIT
"""Play turns back through the target, and keep what comes out of it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from scapy.layers.inet import UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from sessions import CLIENT, SERVER, Turn, network

from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.lab.topology import Side
from devkit.target.qemu import Target

#: At most this many frames are under way at a time: a tap holds 500 and more.
BURST = 200
_MARK = b"marker of the replay "
_MARKER_PORT = 9
_SILENCE = 60.0
_TICK = 0.2
_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33
_SOL_PACKET, _IGNORE_OUTGOING, _STATISTICS = 263, 23, 6
_BUFFER = 16 << 20


def quiet_mac(side: Side) -> str:
    """Return the address of the played hosts of a side; no interface has it, so nobody answers."""
    return side.endpoint.mac[:-2] + "77"


def settle(target: Target) -> None:
    """Tell the target where the played hosts are."""
    for side in topology.load().sides:
        for own in (side.endpoint.address4, side.endpoint.address6):
            point = "." if "." in own else ":"
            address = f"{own.rpartition(point)[0]}{point}77"
            words = f"lladdr {quiet_mac(side)} dev {side.target.interface} nud permanent"
            target.run(f"ip neigh replace {address} {words}")


class Cable:
    """One side's end: frames in, and what arrives for the played hosts, in order."""

    def __init__(self, lab: Lab, side: Side) -> None:
        self._mac = bytes.fromhex(quiet_mac(side).replace(":", ""))
        self._head = Ether(src=quiet_mac(side), dst=side.target.mac)
        self._sock = lab.socket(side.name, socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sock.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        with contextlib.suppress(PermissionError):
            self._sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._sock.settimeout(_TICK)
        self._sock.bind((side.endpoint.interface, _ETH_P_ALL))
        self.arrived: list[bytes] = []
        self._changed = threading.Condition()
        self._running = True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def send(self, packet: bytes) -> None:
        """Send what begins with a network header."""
        kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
        self._sock.send(bytes(self._head)[:12] + struct.pack("!H", kind) + packet)

    def _listen(self) -> None:
        while self._running:
            with contextlib.suppress(TimeoutError):
                frame = self._sock.recv(65536)
                if frame[:6] == self._mac:
                    with self._changed:
                        self.arrived.append(frame)
                        self._changed.notify_all()

    def wait(self, mark: bytes, patience: float = _SILENCE) -> bool:
        """Wait for a frame that has ``mark`` in it, and take it out."""
        deadline = time.monotonic() + patience
        with self._changed:
            while True:
                for place, frame in enumerate(self.arrived):
                    if mark in frame:
                        del self.arrived[place]
                        return True
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return False

    def waiting(self) -> int:
        """Return how many frames arrived since the last taken()."""
        with self._changed:
            return len(self.arrived)

    def taken(self) -> list[bytes]:
        """Return what arrived and forget it; the listener lost none."""
        with self._changed:
            found, self.arrived = self.arrived, []
        _, lost = struct.unpack("II", self._sock.getsockopt(_SOL_PACKET, _STATISTICS, 8))
        assert not lost, f"the listener lost {lost} frames"
        return found

    def close(self) -> None:
        """End the listener."""
        self._running = False
        self._thread.join()
        self._sock.close()


class Replay:
    """Both ends of the cables."""

    def __init__(self, lab: Lab) -> None:
        self._cables = {side.name: Cable(lab, side) for side in topology.load().sides}
        self._number = 0

    def send(self, side: str, packets: Sequence[bytes]) -> None:
        """Send packets of one side, without waiting for them."""
        for packet in packets:
            self._cables[side].send(packet)

    def through(self, side: str = CLIENT, patience: float = _SILENCE) -> bool:
        """Whether a harmless packet that is sent now, behind all others of the side, passes the target."""
        self._number += 1
        mark = _MARK + b"%06d" % self._number
        marker = network(side, 4, 1) / UDP(sport=_MARKER_PORT, dport=_MARKER_PORT) / Raw(mark)
        self._cables[side].send(bytes(marker))
        return self._cables[SERVER if side == CLIENT else CLIENT].wait(mark, patience)

    def play(self, turns: Sequence[Turn]) -> dict[str, list[bytes]]:
        """Send all turns, each when the one before has been decided about; return what arrived by side."""
        self.taken()
        for turn in turns:
            packets = [bytes(packet) for packet in turn.packets]
            for start in range(0, len(packets), BURST):
                self.send(turn.side, packets[start : start + BURST])
                assert self.through(turn.side), "nothing passes the target any more"
        return self.taken()

    def waiting(self, side: str) -> int:
        """Return how many frames arrived on a side since the last call of taken()."""
        return self._cables[side].waiting()

    def taken(self) -> dict[str, list[bytes]]:
        """Return what arrived by side since the last call."""
        return {name: cable.taken() for name, cable in self._cables.items()}

    def __enter__(self) -> Replay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for cable in self._cables.values():
            cable.close()
