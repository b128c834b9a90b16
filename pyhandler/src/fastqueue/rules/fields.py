# SPDX-License-Identifier: MIT
"""Values in rules: protocols, ports, addresses, counts."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import zip_longest
from typing import NamedTuple, TypeVar

from ..packet import PROTOCOLS
from .parser import Line, quote

Value = TypeVar("Value")

PROTOCOL_EXPECTED = "tcp, udp, icmp, icmpv6 or any"


class PortRange(NamedTuple):
    """Ports from ``low`` to ``high``, both included."""

    low: int
    high: int


def protocol(line: Line, word: str) -> int | None:
    """Read a protocol's name; None is any."""
    if word == "any":
        return None
    if word not in PROTOCOLS:
        line.wrong(quote(word), PROTOCOL_EXPECTED)
    return PROTOCOLS[word]


def number(line: Line, word: str, low: int, high: int, what: str) -> int:
    """Read a decimal number from ``low`` to ``high``."""
    if not (word.isascii() and word.isdigit() and len(word) <= 10 and low <= int(word) <= high):
        line.wrong(quote(word), f"{what} from {low} to {high}")
    return int(word)


def ports(line: Line, word: str) -> PortRange:
    """Read ``N`` or ``N-M``."""
    first, dash, last = word.partition("-")
    low = number(line, first, 0, 65535, "a port or a range of ports")
    high = number(line, last, 0, 65535, "a port or a range of ports") if dash else low
    if low > high:
        line.wrong(quote(word), "a range of ports with the lower one first")
    return PortRange(low, high)


def network(line: Line, word: str) -> IPv4Network | IPv6Network:
    """Read ``ADDR`` or ``ADDR/LEN``."""
    _, slash, length = word.partition("/")
    plain = "%" not in word and (not slash or length.isdigit())  # no zone, no netmask
    try:
        loose = ip_network(word, strict=False) if plain else None
    except ValueError:
        loose = None
    if loose is None:
        line.wrong(quote(word), "an address or a network, as 198.18.0.0/24 or 2001:2::/48")
    try:
        return ip_network(word)
    except ValueError:
        line.wrong(f"{quote(word)} with bits after the prefix", f"the network's own address, {loose}")


class Options(NamedTuple):
    """Keywords of a rule with their values, not read yet."""

    line: Line
    values: dict[str, str]

    def read(self, keyword: str, reader: Callable[[Line, str], Value]) -> Value | None:
        """Read the value of a keyword; None where the rule has none. Raises RulesError."""
        word = self.values.get(keyword)
        return None if word is None else reader(self.line, word)


def options(line: Line, words: list[str], keywords: tuple[str, ...]) -> Options:
    """Split a rule into pairs of keyword and value, each at most once, in any order. Raises RulesError."""
    values: dict[str, str] = {}
    for keyword, value in zip_longest(words[::2], words[1::2]):
        if keyword not in keywords:
            line.wrong(quote(keyword), f"{', '.join(keywords[:-1])} or {keywords[-1]}")
        if keyword in values:
            line.wrong(f"a second {keyword}", f"{keyword} once in a rule")
        if value is None:
            line.wrong(f"nothing after {keyword}", "its value")
        values[keyword] = value
    return Options(line, values)
