# SPDX-License-Identifier: MIT
"""Rules on addresses, ports and protocol.

    drop|accept [proto tcp|udp|icmp|icmpv6|any] [src ADDR[/LEN]] [dst ADDR[/LEN]]
                [sport N[-M]] [dport N[-M]]
    default accept|drop

A rule with ports matches TCP and UDP only, and never a later fragment, which has none.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from ..packet import ICMP, ICMPV6, Packet
from .fields import PortRange, network, options, ports, protocol
from .parser import VERDICTS, Line, Progress, Ruleset, parse_lines, quote, read_lines

_KEYWORDS = ("proto", "src", "dst", "sport", "dport")


class Prefix(NamedTuple):
    """Addresses whose first bits are given: ``address & mask == value``."""

    version: int
    mask: int
    value: int

    def matches(self, version: int, address: bytes) -> bool:
        """Say whether a packed address lies in it."""
        return version == self.version and int.from_bytes(address, "big") & self.mask == self.value


class FiveTupleRule(NamedTuple):
    """What a packet must be, None for anything, and the answer to it (``abi.ANSWER_*``)."""

    answer: int
    protocol: int | None
    src: Prefix | None
    dst: Prefix | None
    sport: PortRange | None
    dport: PortRange | None

    def matches(self, packet: Packet) -> bool:
        """Say whether the rule is about this packet."""
        return (
            (self.protocol is None or self.protocol == packet.protocol)
            and (self.src is None or self.src.matches(packet.version, packet.src))
            and (self.dst is None or self.dst.matches(packet.version, packet.dst))
            and (self.sport is None or self.sport.low <= packet.sport <= self.sport.high)
            and (self.dport is None or self.dport.low <= packet.dport <= self.dport.high)
        )


def read_fivetuple_rules(
    path: str | os.PathLike[str], *, progress: Progress | None = None
) -> Ruleset[FiveTupleRule]:
    """Read a rule file. Raises RulesError."""
    return parse_lines(read_lines(path), parse_rule, progress)


def parse_rule(line: Line) -> FiveTupleRule:
    """Parse one line. Raises RulesError."""
    verdict, *words = line.text.partition("#")[0].split()
    if verdict not in VERDICTS:
        line.wrong(quote(verdict), "accept, drop or default")
    found = options(line, words, _KEYWORDS)
    rule = FiveTupleRule(
        answer=VERDICTS[verdict],
        protocol=found.read("proto", protocol),
        src=found.read("src", _prefix),
        dst=found.read("dst", _prefix),
        sport=found.read("sport", ports),
        dport=found.read("dport", ports),
    )
    _check(line, rule)
    return rule


def _check(line: Line, rule: FiveTupleRule) -> None:
    """Refuse rules that could never match."""
    versions = {prefix.version for prefix in (rule.src, rule.dst) if prefix is not None}
    if len(versions) > 1:
        line.wrong("an IPv4 and an IPv6 address", "two addresses of one kind")
    if rule.protocol in (ICMP, ICMPV6):
        if rule.sport or rule.dport:
            line.wrong("a port with ICMP", "ports with tcp, udp or any only")
        if versions and versions != {4 if rule.protocol == ICMP else 6}:
            line.wrong("ICMP of the other IP version", "icmp with IPv4, icmpv6 with IPv6 addresses")


def _prefix(line: Line, word: str) -> Prefix:
    net = network(line, word)
    return Prefix(net.version, int(net.netmask), int(net.network_address))
