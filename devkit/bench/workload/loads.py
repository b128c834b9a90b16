# SPDX-License-Identifier: MIT
"""What is sent: the columns of the tables. Data."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Load:
    """Paced bursts of packets: UDP, or TCP as bulk has it.

    length:    bytes of a packet from its network header; with GSO of each segment
    burst:     packets that come at once
    period_us: from one burst to the next
    packets:   in the measured window
    flows:     source addresses, one a burst in turn
    segments:  of TCP in a packet: 0 for UDP, more than 1 with GSO
    acks:      packets with data before a bare ACK, which counts as a packet
    """

    name: str
    label: str
    length: int = 1400
    burst: int = 60
    period_us: int = 1000
    packets: int = 6_000
    warm_up: int = 1_200
    flows: int = 1
    segments: int = 0
    acks: int = 0
    ipv6: bool = False
    latency: bool = False

    @property
    def rate(self) -> float:
        """Packets per second."""
        return self.burst * 1e6 / self.period_us

    def slower(self, factor: int) -> Load:
        """Return the same bursts, ``factor`` times as far apart."""
        return replace(self, period_us=self.period_us * factor)

    def words(self) -> list[str]:
        """Return it as options of bench-source."""
        words = [
            "--length", str(self.length), "--burst", str(self.burst), "--period-us", str(self.period_us),
            "--packets", str(self.packets), "--warm-up", str(self.warm_up), "--flows", str(self.flows),
        ]  # fmt: skip
        if self.segments:
            words += ["--tcp", str(self.segments), "--acks", str(self.acks)]
        return words + ["--ipv6"] * self.ipv6 + ["--latency"] * self.latency


UDP_64 = Load("udp-64", "64 bytes", length=64)
UDP_512 = Load("udp-512", "512 bytes", length=512)
UDP_1400 = Load("udp-1400", "1400 bytes")
IPV6 = Load("ipv6-1400", "1400 bytes, IPv6", ipv6=True)
#: Each packet by itself, so that each may cost a wake-up.
LOW = Load("low", "3,000 packets/s", burst=1, period_us=333, packets=3_000, warm_up=300)

#: Bulk with offloads off: two segments, then a bare ACK.
TCP = Load("tcp", "TCP bulk", length=1500, segments=1, acks=2)
#: With offloads on: 45 segments in a packet of 64 KB, then a bare ACK.
TCP_GSO = Load(
    "tcp-gso", "TCP bulk, offloads on", length=1500, burst=4, packets=2_400, warm_up=240, segments=45, acks=1
)

COST = (UDP_64, UDP_512, UDP_1400, IPV6, TCP, TCP_GSO, LOW)

#: A period that beats against the sender's timer, so that packets meet it in every phase.
LATENCY = Load("latency", "3,000 packets/s", burst=1, period_us=331, packets=3_000, warm_up=300, latency=True)
#: Of the sweep over timer periods: 20,000 packets/s.
SWEEP = Load("sweep", "20,000 packets/s", burst=20, period_us=997, packets=10_000)
SWEEP_LATENCY = replace(SWEEP, name="sweep-latency", packets=4_000, latency=True)
