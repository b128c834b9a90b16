# SPDX-License-Identifier: MIT
"""Packets of all kinds, from a seed. A record is what is sent at once."""

import random
import struct
from typing import NamedTuple

import wire_format as wire
from scenarios import ADDRESSES, CONNECTED, PORTS, Scenario

MTU = 1500


class Record(NamedTuple):
    """Packets that are sent one after the other, from the IP header on. ``way`` says how.

    wire: frames of host a. offload: one TCP packet of host a for segmentation, in ``size`` bytes of data.
    local: a raw socket of the router. segments: one UDP datagram of the router, cut into ``size`` bytes each.
    """

    kind: str
    way: str
    packets: tuple[bytes, ...]
    ethertype: int
    size: int = 0
    connected: bool = False


class Maker:
    """Makes the packets of one record."""

    def __init__(self, chance: random.Random, scenario: Scenario, number: int) -> None:
        self._chance = chance
        self._scenario = scenario
        self._version = scenario.family or chance.choice((4, 6))
        addresses = ADDRESSES[self._version]
        self._source, self._destination = addresses[scenario.source], addresses[scenario.destination]
        self._identification = number % 65535 + 1  # 0 has the kernel choose one
        self._connected = False

    def record(self) -> Record:
        """Return packets of a kind."""
        chance, scenario = self._chance, self._scenario
        if scenario.bridged and chance.random() < 0.05:
            return self._record("other", [chance.randbytes(chance.randrange(1, 100))], 0x88B5)
        if chance.random() < 0.06:
            return self._large()
        if scenario.hook == "input" and scenario.family and chance.random() < 0.2:
            self._connected = True
            return self._record("connected", [self._around(wire.UDP, self._udp(CONNECTED))])
        kind = chance.choice(
            ("plain", "plain", "headers", "headers", "surplus", "lengths", "checksum", "fragments")
        )
        protocol, segment = self._transport()
        return self._record(kind, getattr(self, f"_{kind}")(protocol, segment))

    def _record(self, kind: str, packets: list[bytes], ethertype: int = 0) -> Record:
        way = "local" if self._scenario.source != 0 else "wire"
        ethertype = ethertype or (0x0800 if self._version == 4 else 0x86DD)
        return Record(kind, way, tuple(packets), ethertype, 0, self._connected)

    def _around(self, protocol: int, contents: bytes, **fields: int | bytes) -> bytes:
        """Return an IP packet; IPv4's identification is the record's."""
        if self._version == 6:
            return wire.ipv6(self._source, self._destination, protocol, contents)
        fields = {"identification": self._identification, **fields}
        return wire.ipv4(self._source, self._destination, protocol, contents, **fields)  # type: ignore[arg-type]

    def _data(self) -> bytes:
        chance = self._chance
        return chance.randbytes(chance.choice((0, 1, 2, 5, 10, 18, 40, 100, 301, 1000)))

    def _udp(self, ports: tuple[int, int] = PORTS, surplus: bytes = b"") -> bytes:
        return wire.udp(self._source, self._destination, self._data(), ports, surplus)

    def _tcp(self, ports: tuple[int, int] = PORTS) -> bytes:
        chance = self._chance
        options = chance.choice((b"", bytes.fromhex("020405b4"), bytes.fromhex("0101080a0000000100000002"),
                                 bytes.fromhex("020405b40402080a0000000100000000010303070000")))  # fmt: skip
        options = options[: len(options) // 4 * 4]
        flags = chance.choice((0x02, 0x10, 0x18, 0x11, 0x04))
        head = struct.pack("!2H2IBB3H", *ports, chance.getrandbits(32), chance.getrandbits(32),
                           (5 + len(options) // 4) << 4, flags, 1000, 0, 0)  # fmt: skip
        data = b"" if flags == 0x02 else self._data()
        return wire.with_checksum(self._source, self._destination, wire.TCP, head + options + data)

    def _transport(self) -> tuple[int, bytes]:
        chance = self._chance
        ping, number = (wire.ICMP, 8) if self._version == 4 else (wire.ICMPV6, 128)
        protocol = chance.choice((wire.UDP, wire.UDP, wire.UDP, wire.TCP, wire.TCP, ping,
                                  wire.SCTP, wire.GRE, wire.ESP, wire.EXPERIMENT))  # fmt: skip
        data = self._data()
        if protocol == wire.UDP:
            segment = self._udp()
            if chance.random() < 0.1:
                segment = segment[:6] + bytes(2) + segment[8:]
        elif protocol == wire.TCP:
            segment = self._tcp()
        elif protocol == ping:
            head = struct.pack("!BBHHH", number, 0, 0, 7, self._identification)
            segment = wire.with_checksum(self._source, self._destination, ping, head + data)
        elif protocol == wire.SCTP:
            chunk = struct.pack("!BBHIHHI", 0, 3, 16 + len(data), 1, 0, 0, 0) + data
            segment = struct.pack("!HHII", *PORTS, 1, chance.getrandbits(32)) + chunk
        elif protocol == wire.GRE:
            segment = struct.pack("!HH", 0, 0x0800) + wire.ipv4("10.9.0.1", "10.9.0.2", wire.EXPERIMENT, data)
        else:
            segment = struct.pack("!II", 0x1000, self._identification) + data
        return protocol, segment

    def _plain(self, protocol: int, segment: bytes) -> list[bytes]:
        return self._padded(self._around(protocol, segment))

    def _padded(self, packet: bytes) -> list[bytes]:
        """Return it as a short frame carries it: with padding to 60 bytes of Ethernet."""
        short = max(0, 46 - len(packet))
        chance = self._chance
        if self._scenario.source or chance.random() < 0.3:
            return [packet]
        return [packet + chance.choice((bytes(short), chance.randbytes(short)))]

    def _headers(self, protocol: int, segment: bytes) -> list[bytes]:
        """With IPv4 options, or IPv6 extension headers."""
        chance = self._chance
        if self._version == 4:
            options = random_options(chance, 4 if self._scenario.hook == "output" else 0)
            if chance.random() < 0.08 and not self._scenario.bridged and self._scenario.source == 0:
                return [self._source_routed(protocol, segment)]
            return self._padded(self._around(protocol, segment, options=options))
        headers = [random_extension(chance) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
        if chance.random() < 0.9:
            headers.sort(key=lambda header: header[0] != wire.HOP_BY_HOP)
        return [self._around(*wire.chain(headers, protocol, segment))]

    def _source_routed(self, protocol: int, segment: bytes) -> bytes:
        """Loose source routing: by way of the router, which the packet is addressed to."""
        _, router, _, b = ADDRESSES[4]
        options = bytes([0x83, 7, 4]) + wire.packed(b) + b"\0"
        return wire.ipv4(self._source, router, protocol, segment, options=options,
                         identification=self._identification)  # fmt: skip

    def _surplus(self, protocol: int, segment: bytes) -> list[bytes]:
        """With bytes behind UDP's length, or behind that of IP."""
        chance = self._chance
        extra = chance.randbytes(chance.choice((1, 2, 4, 13, 60)))
        if chance.random() < 0.5:
            return [self._around(wire.UDP, self._udp(surplus=extra))]
        return [self._around(protocol, segment) + extra]

    def _lengths(self, protocol: int, segment: bytes) -> list[bytes]:
        """With a wrong length in the IP or UDP header."""
        chance = self._chance
        data = bytearray(self._around(protocol, segment))
        start, at = (20, 2) if self._version == 4 else (40, 4)
        if protocol == wire.UDP and chance.random() < 0.6:
            at = start + 4
        value = int.from_bytes(data[at : at + 2], "big")
        wrong = chance.choice((0, 1, 7, value - 1, value + 1, value - 8, value + 20, chance.getrandbits(16)))
        data[at : at + 2] = struct.pack("!H", max(0, wrong) & 0xFFFF)
        if self._version == 4:
            data[10:12] = bytes(2)
            data[10:12] = struct.pack("!H", wire.checksum(bytes(data[:20])))
        return [bytes(data)]

    def _checksum(self, protocol: int, segment: bytes) -> list[bytes]:
        """With a bit that is wrong behind the IP header, so that its checksum is too."""
        data = bytearray(self._around(protocol, segment))
        start = 20 if self._version == 4 else 40
        data[self._chance.randrange(start, len(data))] ^= 1 << self._chance.randrange(8)
        return [bytes(data)]

    def _fragments(self, protocol: int, segment: bytes) -> list[bytes]:
        """In two or three fragments, in any order, sometimes without one; or an atomic one."""
        chance = self._chance
        segment += chance.randbytes(max(0, 64 - len(segment)))
        cuts = sorted({0, *(chance.randrange(8, len(segment), 8) for _ in range(chance.choice((1, 1, 2))))})
        pieces = []
        for number, begin in enumerate(cuts):
            end = cuts[number + 1] if number + 1 < len(cuts) else len(segment)
            pieces.append(self._fragment(protocol, segment[begin:end], begin, end < len(segment)))
        if chance.random() < 0.3:
            chance.shuffle(pieces)
        if chance.random() < 0.15:
            pieces.pop()
        return pieces

    def _fragment(self, protocol: int, piece: bytes, begin: int, more: bool) -> bytes:
        if self._version == 4:
            return self._around(protocol, piece, fragment=begin // 8 | (wire.MORE_FRAGMENTS if more else 0))
        head = struct.pack("!BBHI", protocol, 0, begin | more, self._identification)
        return self._around(wire.FRAGMENT, head + piece)

    def _large(self) -> Record:
        """A packet for segmentation: of the router's own, or one that came in whole."""
        chance = self._chance
        ethertype = 0x0800 if self._version == 4 else 0x86DD
        data = chance.randbytes(chance.randrange(600, 4000))
        size = chance.choice((500, 536, 1000, 1200))
        if self._scenario.source != 0:
            return Record("large", "segments", (data,), ethertype, size)
        head = struct.pack("!2H2IBB3H", *PORTS, 1, 2, 0x50, 0x18, 1000, 0, 0)
        length = len(head) + len(data)
        pseudo = wire.pseudo_header(
            wire.packed(self._source), wire.packed(self._destination), wire.TCP, length
        )
        partial = ~wire.checksum(pseudo) & 0xFFFF  # as a driver wants it: of the pseudo header alone
        head = head[:16] + struct.pack("!H", partial) + head[18:]
        return Record("large", "offload", (self._around(wire.TCP, head + data),), ethertype, size)


def random_options(chance: random.Random, fresh: int = 0) -> bytes:
    """Return IPv4 options, in whole words, into which no clock is read.

    ``fresh``: of timestamps, those with room too: nobody fills them in on the way out of a raw socket.
    """
    full = bytes([0x44, 12, 13, 0]) + chance.randbytes(8)
    foreign = bytes([0x44, 12, 5, 3]) + bytes([10, 77, 0, 1]) + bytes(4)  # prespecified, of another host
    found = chance.choice(
        (
            b"\1\1\1\1",
            b"\1\1\1\0",
            bytes([7, 7, 4]) + bytes(4) + b"\0",
            bytes([7, 15, 4]) + bytes(12) + b"\1",
            bytes([7, 11, 8]) + chance.randbytes(4) + bytes(4) + b"\1",
            full,
            foreign,
            bytes([0x94, 4, 0, 0]),
            bytes([0x94, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0]),
            bytes([0x1E, 4, 1, 2]),
            bytes([0x1E, 8]) + chance.randbytes(6),
            bytes([0x44, 12, 5, 0]) + bytes(8) if fresh else b"\1\0\0\0",
            bytes([0x82, 11]) + bytes(9) + b"\0",
        )
    )
    return found + b"\1\1\1\1" if chance.random() < 0.2 else found


def random_extension(chance: random.Random) -> tuple[int, bytes]:
    """Return an IPv6 extension header: its number, and its bytes without the next header."""
    padding = bytes([1, 4, 0, 0, 0, 0])
    return chance.choice(
        (
            (wire.HOP_BY_HOP, bytes([0, 0]) + padding),
            (wire.HOP_BY_HOP, bytes([0, 0, 5, 2, 0, 0, 1, 0])),
            (wire.DESTINATION, bytes([0, 0]) + padding),
            (wire.DESTINATION, bytes([0, 0, 0x1E, 4]) + chance.randbytes(4)),
            (wire.DESTINATION, bytes([0, 1, 0x1E, 12]) + chance.randbytes(12)),
            (wire.ROUTING, struct.pack("!BBBBI", 0, 2, 4, 0, 0) + wire.packed("fd00:2::2")),
            (wire.ROUTING, struct.pack("!BBBBI", 0, 0, 253, 0, 0)),
            (wire.FRAGMENT, struct.pack("!BBHI", 0, 0, 0, chance.getrandbits(32))),
            (wire.AUTHENTICATION, struct.pack("!BBHII", 0, 4, 0, 1, 1) + chance.randbytes(12)),
        )
    )


def generate(seed: str, scenario: Scenario, number: int) -> Record:
    """Return record ``number`` of a scenario."""
    return Maker(random.Random(f"{seed} {scenario.name} {number}"), scenario, number).record()
