# SPDX-License-Identifier: MIT
"""Both halves of made-up sessions between a client and a server, packet by packet, each in its turn.

A turn is what one side sends before it waits for the other. Nothing answers them for real: they are
played back, so that two queues get the same bytes in the same order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

#: Bytes of a segment, at most.
SEGMENT = 1400
CLIENT, SERVER = "client", "server"
_ADDRESSES = {4: ("198.18.0.77", "198.19.0.77"), 6: ("2001:2:0:1::77", "2001:2:0:2::77")}


@dataclass(frozen=True)
class Turn:
    """Packets that ``side`` sends, from the network header on."""

    side: str
    packets: tuple[Packet, ...]


Session = list[Turn]


def network(side: str, version: int = 4, number: int = 0) -> Packet:
    """Return the network header of a packet that ``side`` sends; ``number`` is IPv4's identification."""
    client, server = _ADDRESSES[version]
    src, dst = (client, server) if side == CLIENT else (server, client)
    return IP(src=src, dst=dst, id=number & 0xFFFF) if version == 4 else IPv6(src=src, dst=dst)


@dataclass
class Stream:
    """A TCP connection in the making: what each side has sent so far."""

    sport: int
    dport: int
    version: int = 4
    turns: Session = field(default_factory=list)
    _next: dict[str, int] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        lot = random.Random(self.sport << 16 | self.dport)
        self._next = {side: lot.randrange(1 << 32) for side in (CLIENT, SERVER)}

    def opened(self) -> Stream:
        """Shake hands."""
        self._send(CLIENT, [self._segment(CLIENT, "S")], 1)
        self._send(SERVER, [self._segment(SERVER, "SA")], 1)
        self._send(CLIENT, [self._segment(CLIENT, "A")], 0)
        return self

    def say(
        self, side: str, data: bytes, *, order: Sequence[int] | None = None, size: int = SEGMENT
    ) -> Stream:
        """Send ``data`` in segments of ``size``, in ``order`` where one is given, and have it confirmed."""
        parts = [data[start : start + size] for start in range(0, len(data), size)]
        segments = [self._segment(side, "PA", part, place * size) for place, part in enumerate(parts)]
        self._send(side, [segments[place] for place in order or range(len(parts))], len(data))
        other = SERVER if side == CLIENT else CLIENT
        self._send(other, [self._segment(other, "A")], 0)
        return self

    def say_again(self, side: str, first: bytes, second: bytes) -> Stream:
        """Send ``first``, and at the same place of the stream ``second``: a retransmission that lies."""
        self._send(side, [self._segment(side, "PA", first), self._segment(side, "PA", second)], len(first))
        return self

    def closed(self) -> Session:
        """Say goodbye on both sides; the whole session."""
        for side in (CLIENT, SERVER):
            self._send(side, [self._segment(side, "FA")], 1)
        self._send(CLIENT, [self._segment(CLIENT, "A")], 0)
        return self.turns

    def _segment(self, side: str, flags: str, data: bytes = b"", offset: int = 0) -> Packet:
        other = SERVER if side == CLIENT else CLIENT
        ports = (self.sport, self.dport) if side == CLIENT else (self.dport, self.sport)
        self._count += 1
        header = TCP(
            sport=ports[0], dport=ports[1], flags=flags, seq=(self._next[side] + offset) & 0xFFFFFFFF,
            ack=self._next[other] if "A" in flags else 0, window=65535,
        )  # fmt: skip
        packet = network(side, self.version, self.sport + self._count) / header
        return packet / Raw(data) if data else packet

    def _send(self, side: str, packets: Sequence[Packet], consumed: int) -> None:
        self._next[side] = (self._next[side] + consumed) & 0xFFFFFFFF
        self.turns.append(Turn(side, tuple(packets)))


def conversation(sport: int, dport: int, request: bytes, response: bytes = b"", version: int = 4) -> Session:
    """One connection with a request and, where there is one, its response."""
    stream = Stream(sport, dport, version).opened().say(CLIENT, request)
    if response:
        stream.say(SERVER, response)
    return stream.closed()


def datagram(sport: int, dport: int, request: bytes, response: bytes = b"", version: int = 4) -> Session:
    """One UDP packet, and one back where there is a response."""
    turns = [Turn(CLIENT, (network(CLIENT, version, sport) / UDP(sport=sport, dport=dport) / Raw(request),))]
    if response:
        answer = network(SERVER, version, sport) / UDP(sport=dport, dport=sport) / Raw(response)
        turns.append(Turn(SERVER, (answer,)))
    return turns


def ping(number: int, data: bytes) -> Session:
    """Echo and its reply."""
    echo = network(CLIENT, 4, number) / ICMP(type=8, id=number, seq=1) / Raw(data)
    return [
        Turn(CLIENT, (echo,)),
        Turn(SERVER, (network(SERVER, 4, number) / ICMP(type=0, id=number, seq=1) / Raw(data),)),
    ]
