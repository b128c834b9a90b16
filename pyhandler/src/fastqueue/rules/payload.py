# SPDX-License-Identifier: MIT
"""Rules on contents: regular expressions on the first bytes of the transport payload.

    drop|accept /REGEX/[i] [first N] [proto tcp|udp|icmp|icmpv6|any] [port N[-M]]
    default accept|drop

As with l7-filter, an expression sees the first N bytes of contents (2048 where
the rule says nothing) and either port may be the one named. Unlike there, every packet is looked at
on its own. Expressions are Python's, on bytes: ``\\xNN`` for a byte, ``\\/`` for a slash, ``^`` for the
beginning of the contents, ``.`` for any byte, newlines too; ``i`` behind the last slash ignores case.
Whatever the contents, a search takes time proportional to them (see ``expression``).
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ..packet import Packet
from ..room import EVERYTHING, Room, frame_size, packet_bytes
from .expression import ExpressionError, Pattern, compile_expression
from .fields import PortRange, number, options, ports, protocol
from .linear import LinearPattern
from .parser import VERDICTS, Line, Progress, Ruleset, parse_lines, quote, read_lines

_KEYWORDS = ("first", "proto", "port")
_RULE = re.compile(r"(?P<verdict>\S+)(?:\s+/(?P<regex>(?:[^/\\]|\\.)*)/(?P<flags>\S*)(?P<rest>.*))?")
FIRST_BYTES = 2048
_MOST_BYTES = 65535
#: Memory for all expressions of a file that the automaton searches; see LinearPattern.size.
MOST_AUTOMATA_BYTES = 32 << 20


class PayloadRule(NamedTuple):
    """What a packet must be, None for anything, and the answer to it (``abi.ANSWER_*``)."""

    answer: int
    regex: Pattern
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


def read_payload_rules(
    path: str | os.PathLike[str], *, room: Room = EVERYTHING, progress: Progress | None = None
) -> Ruleset[PayloadRule]:
    """Read a rule file for a ring that shows ``room`` bytes of a packet. Raises RulesError."""
    return parse_lines(read_lines(path), RuleParser(room).parse, progress)


class RuleParser:
    """Parse the lines of one file, whose rules share memory."""

    def __init__(self, room: Room = EVERYTHING) -> None:
        self._room = room
        self._left = MOST_AUTOMATA_BYTES

    def parse(self, line: Line) -> PayloadRule:
        """Parse one line. Raises RulesError, also if the expressions so far would take too much memory."""
        rule = parse_rule(line, room=self._room)
        if isinstance(rule.regex, LinearPattern):
            self._left -= rule.regex.size
            if self._left < 0:
                line.wrong(
                    f"more than {MOST_AUTOMATA_BYTES >> 20} MiB of automata, for slow expressions",
                    "fewer such expressions; one without repeats inside or beside others needs no automaton",
                )
        return rule


def parse_rule(line: Line, *, room: Room = EVERYTHING) -> PayloadRule:
    """Parse one line. Raises RulesError, also if the rule looks at more than there is room for."""
    parts = _RULE.match(line.text)
    verdict = parts["verdict"] if parts else ""
    if verdict not in VERDICTS:
        line.wrong(quote(verdict), "accept, drop or default")
    if parts is None or parts["regex"] is None:
        line.wrong(quote(line.text[len(verdict) :].strip()), "an expression between slashes, as /^GET /")
    found = options(line, parts["rest"].partition("#")[0].split(), _KEYWORDS)
    given = found.read("first", _first)
    first = FIRST_BYTES if given is None else given
    _check_room(line, first, room, default=given is None)
    return PayloadRule(
        answer=VERDICTS[verdict],
        regex=_compile(line, parts["regex"], parts["flags"], first),
        first=first,
        protocol=found.read("proto", protocol),
        port=found.read("port", ports),
    )


def _first(line: Line, word: str) -> int:
    return number(line, word, 1, _MOST_BYTES, "a number of bytes")


def _check_room(line: Line, first: int, room: Room, *, default: bool) -> None:
    """Refuse a rule that would not see the bytes that it is about."""
    needed = packet_bytes(first)
    if needed <= room.size:
        return
    needed = frame_size(needed) if room.option == "--frame-size" else needed
    smaller = f", or first {room.contents()} or less" if room.contents() > 0 else ""
    line.wrong(
        f"{'no first, which means ' if default else ''}first {first} with {room.option} {room.size}",
        f"{room.option} {needed} or more{smaller}",
    )


def _compile(line: Line, text: str, flags: str, first: int) -> Pattern:
    if flags not in ("", "i"):
        line.wrong(quote(flags), "i or nothing behind the expression")
    try:
        return compile_expression(text.encode(), ignore_case=bool(flags), first=first)
    except ExpressionError as error:
        line.wrong(f"{quote(text)} ({error.found})", error.expected)
