# SPDX-License-Identifier: MIT
"""Rule files and expressions: read or refused, and searched as Python's matcher does."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from functools import partial

from fastqueue import abi
from fastqueue.handlers import FiveTuple, Payload
from fastqueue.room import Room
from fastqueue.rules import RulesError, backtracking, literals
from fastqueue.rules.budget import OverBudgetError
from fastqueue.rules.expression import ExpressionError, compile_expression
from fastqueue.rules.fivetuple import parse_rule as parse_fivetuple
from fastqueue.rules.linear import LinearPattern
from fastqueue.rules.parser import parse_lines, split_lines
from fastqueue.rules.payload import parse_rule as parse_payload
from fastqueue.rules.positions import UnsupportedError
from fastqueue.rules.syntax import parse

from tests.fuzzing.choice import Choice

from ..backtracker import Backtracker
from ..packets import ipv4, ipv6, tcp, udp

_PACKETS = [
    ipv4(udp(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + bytes(range(256)))),
    ipv6(tcp(b"a" * 300 + b"!"), following=6),
    ipv4(udp(b"x", dport=53), fragment=0x2000),
    ipv4(udp()),
]
_ANSWERS = (abi.ANSWER_ACCEPT, abi.ANSWER_DROP)


def rule_file(data: bytes) -> None:
    """Read a file of the kind that the first byte says; what is taken decides about some packets."""
    kind, text = data[:1], data[1:]
    payload = bool(kind and kind[0] & 1)
    small = bool(kind and kind[0] & 2)
    room = Room(256, "--frame-size") if small else Room(abi.MAX_FRAME_SIZE, "")
    handler: FiveTuple | Payload
    try:
        if payload:
            handler = Payload(parse_lines(split_lines("file", text), partial(parse_payload, room=room)))
            assert handler.needs <= room.size
        else:
            handler = FiveTuple(parse_lines(split_lines("file", text), parse_fivetuple))
    except RulesError as error:
        assert 0 < error.line <= text.count(b"\n") + 1
        assert error.found
        assert error.expected
        assert str(error).isprintable(), error
        return
    assert all(handler.decide(memoryview(packet)) in _ANSWERS for packet in _PACKETS)


_LEAVES = ["", *r"a b c . [ab] [^a] \n A \w [^\w] ^ $ \Z \A x ab".split(" ")]  # noqa: SIM905
_REPEATS = ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "+?", "??"]
_CONTENTS = b"abcAB\nx "


def expression(data: bytes) -> None:
    """Compare what the automaton, Python's matcher, the literals and the bound say about a short search."""
    choice = Choice(data)
    flags = int(re.DOTALL | re.IGNORECASE if choice.number(0, 3) == 3 else re.DOTALL)
    contents = bytes(choice.of(_CONTENTS) for _ in range(choice.number(0, 12)))
    contents *= choice.of((1, 1, 1, 5))
    text = _expression(choice, 4).encode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parsed = parse(text, flags)
            linear = LinearPattern(text, parsed)
        except (re.error, UnsupportedError):
            return
        steps = backtracking.steps(parsed, len(contents))
        if steps > 1_000_000:
            return
        matcher = Backtracker(text, flags, contents, steps)  # raises if it takes more
        found = re.compile(text, flags).search(contents)
        assert matcher.search() is (found is not None), (text, contents)
        assert linear.search(contents) is (True if found else None), (text, contents)
        if found:
            _check_literals(text, flags, found[0])


def _check_literals(text: bytes, flags: int, match: bytes) -> None:
    reading = literals.read(text)
    place = 0
    for literal in reading.literals:
        if flags & re.IGNORECASE:
            literal, match = literal.lower(), match.lower()  # noqa: PLW2901
        place = match.find(literal, place)
        assert place >= 0, (text, match)
        place += len(literal)


def _expression(choice: Choice, depth: int) -> str:
    kind = choice.number(0, 15) if depth else 0
    below = depth - 1
    if kind < 5:
        return choice.of(_LEAVES)
    if kind < 9:
        return "".join(_expression(choice, below) for _ in range(choice.number(1, 4)))
    if kind < 11:
        return f"({'|'.join(_expression(choice, below) for _ in range(choice.number(1, 3)))})"
    if kind == 11:
        return f"({choice.of(('?i', '?-s', '?s'))}:{_expression(choice, below)})"
    return f"(?:{_expression(choice, below)}){choice.of(_REPEATS)}"


def any_expression(data: bytes) -> None:
    """Compile any text; what is taken searches contents on which it may go wrong."""
    choice = Choice(data)
    ignore_case, first = bool(choice.byte() & 1), choice.of((1, 40, 2048, 65535))
    contents = choice.some(60)
    text = choice.rest()
    try:
        pattern = compile_expression(text, ignore_case=ignore_case, first=first)
    except ExpressionError as error:
        assert error.found
        assert error.expected
        return
    for each in (contents, contents * 40, b"a" * 2000 + b"!", text * 3):
        with suppress(OverBudgetError):  # of the longest contents only
            pattern.search(each[:first])
