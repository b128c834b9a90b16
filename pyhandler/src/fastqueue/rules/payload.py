# SPDX-License-Identifier: MIT
"""Rules on contents: regular expressions on the first bytes of the transport payload.

    drop|accept /REGEX/[i] [first N] [proto tcp|udp|icmp|icmpv6|any] [port N[-M]]
    default accept|drop

As with l7-filter, an expression sees the first N bytes of contents (2048 where
the rule says nothing) and either port may be the one named. Unlike there, every packet is looked at
on its own. Expressions are Python's, on bytes: ``\\xNN`` for a byte, ``\\/`` for a slash, ``^`` for the
beginning of the contents, ``.`` for any byte, newlines too; ``i`` behind the last slash ignores case.
"""

from __future__ import annotations

import os
import re
import warnings
from typing import NamedTuple

from ..packet import Packet
from .source import VERDICTS, Line, Ruleset, parse_lines, quote, read_lines
from .values import PortRange, number, options, ports, protocol

_KEYWORDS = ("first", "proto", "port")
_RULE = re.compile(r"(?P<verdict>\S+)(?:\s+/(?P<regex>(?:[^/\\]|\\.)*)/(?P<flags>\S*)(?P<rest>.*))?")
FIRST_BYTES = 2048
_MOST_BYTES = 65535


class PayloadRule(NamedTuple):
    """What a packet must be, None for anything, and the answer to it (``abi.ANSWER_*``)."""

    answer: int
    regex: re.Pattern[bytes]
    first: int  # bytes of contents to look at
    protocol: int | None
    port: PortRange | None

    def matches(self, packet: Packet, contents: memoryview) -> bool:
        """Say whether the rule is about this packet with these contents."""
        return (
            (self.protocol is None or self.protocol == packet.protocol)
            and (self.port is None or self._port_matches(packet, self.port))
            and self.regex.search(contents[: self.first]) is not None
        )

    @staticmethod
    def _port_matches(packet: Packet, port: PortRange) -> bool:
        return port.low <= packet.dport <= port.high or port.low <= packet.sport <= port.high


def read_payload_rules(path: str | os.PathLike[str]) -> Ruleset[PayloadRule]:
    """Read a rule file. Raises RulesError."""
    return parse_lines(read_lines(path), parse_rule)


def parse_rule(line: Line) -> PayloadRule:
    """Parse one line. Raises RulesError."""
    parts = _RULE.match(line.text)
    verdict = parts["verdict"] if parts else ""
    if verdict not in VERDICTS:
        line.wrong(quote(verdict), "accept, drop or default")
    if parts is None or parts["regex"] is None:
        line.wrong(quote(line.text[len(verdict) :].strip()), "an expression between slashes, as /^GET /")
    found = options(line, parts["rest"].partition("#")[0].split(), _KEYWORDS)
    first = found.read("first", _first)
    return PayloadRule(
        answer=VERDICTS[verdict],
        regex=_compile(line, parts["regex"], parts["flags"]),
        first=FIRST_BYTES if first is None else first,
        protocol=found.read("proto", protocol),
        port=found.read("port", ports),
    )


def _first(line: Line, word: str) -> int:
    return number(line, word, 1, _MOST_BYTES, "a number of bytes")


def _compile(line: Line, text: str, flags: str) -> re.Pattern[bytes]:
    if flags not in ("", "i"):
        line.wrong(quote(flags), "i or nothing behind the expression")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "possible nested set": for people who write Python
            return re.compile(text.encode(), re.DOTALL | (re.IGNORECASE if flags else 0))
    except (re.error, OverflowError, RecursionError) as error:
        line.wrong(f"{quote(text)} ({error})", "a regular expression of Python")
