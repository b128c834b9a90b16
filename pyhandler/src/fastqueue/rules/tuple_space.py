# SPDX-License-Identifier: MIT
"""Find the first of many five-tuple rules that matches a packet, in tables and not one by one.

Tuple space search: Srinivasan, Suri and Varghese, *Packet Classification Using Tuple Space Search*,
SIGCOMM 1999.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..packet import Packet
from .fields import PortRange
from .fivetuple import FiveTupleRule, Prefix

#: Source and destination prefix, protocol, source and destination port; 0 or None where a rule does not ask.
_Key = tuple[int, int, int | None, int | None, int | None]


class _Tuple(NamedTuple):
    """Which bits of which fields a rule compares; rules with the same share a table."""

    version: int | None
    src_mask: int
    dst_mask: int
    protocol: bool
    sport: bool
    dport: bool
    ranges: bool  # more than one port in a range, which is compared rule by rule

    def key(self, packet: Packet, src: int, dst: int) -> _Key:
        """Return where the packet's rule would be."""
        return (
            src & self.src_mask,
            dst & self.dst_mask,
            packet.protocol if self.protocol else None,
            packet.sport if self.sport else None,
            packet.dport if self.dport else None,
        )


class _Table:
    """Numbers of one tuple's rules by their keys; of those with the same key and no range the first only."""

    def __init__(self, shape: _Tuple, first: int) -> None:
        self.tuple = shape
        self.first = first  # number of the first rule
        self._numbers: dict[_Key, int] = {}
        self._ranges: dict[_Key, list[int]] = {}

    def add(self, key: _Key, number: int) -> None:
        """Add the next rule."""
        if self.tuple.ranges:
            self._ranges.setdefault(key, []).append(number)
        else:
            self._numbers.setdefault(key, number)

    def get(self, key: _Key) -> Sequence[int]:
        """Return the numbers of the rules that may match, in their order."""
        number = self._numbers.get(key)
        return self._ranges.get(key, ()) if number is None else (number,)


class TupleSpace:
    """Five-tuple rules in one table per tuple.

    A packet takes one look into each table, however many rules there are. Rules with ranges of ports
    that agree in everything else are looked at one by one.
    """

    def __init__(self, rules: Sequence[FiveTupleRule]) -> None:
        self._rules = rules
        tables: dict[_Tuple, _Table] = {}
        for number, rule in enumerate(rules):
            shape = _tuple(rule)
            table = tables.get(shape)
            if table is None:
                table = tables[shape] = _Table(shape, number)
            table.add(_key(rule), number)
        self._tables = list(tables.values())  # in the order of their first rules

    def find(self, packet: Packet, look: Callable[[], None]) -> FiveTupleRule | None:
        """Return the first rule that matches, or None.

        ``look`` is called for each look at a table or a rule; what it raises ends the search.
        """
        rules = self._rules
        src, dst = int.from_bytes(packet.src, "big"), int.from_bytes(packet.dst, "big")
        best = len(rules)
        for table in self._tables:
            if table.first >= best:
                break
            if table.tuple.version not in (None, packet.version):
                continue
            look()
            key = table.tuple.key(packet, src, dst)
            for number in table.get(key):
                look()
                if number < best and rules[number].matches(packet):
                    best = number
                if number >= best:
                    break
        return rules[best] if best < len(rules) else None


def _tuple(rule: FiveTupleRule) -> _Tuple:
    prefix = rule.src or rule.dst
    return _Tuple(
        prefix and prefix.version,
        _mask(rule.src),
        _mask(rule.dst),
        rule.protocol is not None,
        _exact(rule.sport) is not None,
        _exact(rule.dport) is not None,
        any(ports is not None and _exact(ports) is None for ports in (rule.sport, rule.dport)),
    )


def _key(rule: FiveTupleRule) -> _Key:
    return (
        rule.src.value if rule.src else 0,
        rule.dst.value if rule.dst else 0,
        rule.protocol,
        _exact(rule.sport),
        _exact(rule.dport),
    )


def _mask(prefix: Prefix | None) -> int:
    return prefix.mask if prefix else 0


def _exact(ports: PortRange | None) -> int | None:
    return ports.low if ports is not None and ports.low == ports.high else None
