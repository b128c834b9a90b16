# SPDX-License-Identifier: MIT
"""Candidates: the rules that may match, in their order; the handler decides as if each were searched."""

from __future__ import annotations

import random
from collections import Counter
from string import ascii_lowercase

import pytest
from fastqueue import abi
from fastqueue.handlers import Payload
from fastqueue.packet import Packet, parse
from fastqueue.rules import PayloadRule
from fastqueue.rules.parser import Line, Ruleset
from fastqueue.rules.payload import parse_rule
from fastqueue.rules.prefilter import Candidates

from ..packets import ipv4, tcp, udp

MANY = 30
NEEDLES = ["".join(random.Random(number).choices(ascii_lowercase, k=9)) for number in range(MANY)]
FIRST, EIGHTH, TWENTIETH = (NEEDLES[number].encode() for number in (1, 8, 20))


def rules(*texts: str) -> list[PayloadRule]:
    return [parse_rule(Line("f", 1, f"drop {text}")) for text in texts]


def literals(options: str = "") -> list[str]:
    return [f"/{needle}/{options}" for needle in NEEDLES]


def parsed(packet: bytes) -> Packet:
    found = parse(memoryview(packet))
    assert found
    return found


def candidates(many: list[PayloadRule], contents: bytes, packet: bytes = ipv4(udp())) -> list[int]:
    """Return the numbers of the rules that are searched."""
    found = Candidates(many).find(parsed(packet), memoryview(contents))
    return [many.index(rule) for rule in found]


def test_only_rules_whose_literals_are_there_are_candidates() -> None:
    many = rules(*literals())
    assert candidates(many, b"nothing of that") == []
    assert candidates(many, EIGHTH + b", " + FIRST) == [1, 8]


@pytest.mark.parametrize("other", ["/abc/", "/^needle-99/", "/x|needle-99/", "/needle-99/ first 20"])
def test_rules_that_are_always_candidates_stay_in_order(other: str) -> None:
    many = rules(*literals()[:10], other, *literals()[10:])
    assert candidates(many, b"nothing of that") == [10]
    assert candidates(many, b"x " + TWENTIETH + EIGHTH) == [8, 10, 21]


def test_one_rule_that_ignores_case_is_found_among_others() -> None:
    many = rules(*literals()[:3], f"/{NEEDLES[3].upper()}/i", *literals()[4:])
    assert candidates(many, NEEDLES[3].title().encode()) == [3]


def test_few_rules_are_searched_each() -> None:
    many = rules(*literals()[:3])
    assert candidates(many, b"nothing of that") == [0, 1, 2]


def test_literals_count_up_to_as_many_bytes_as_a_rule_looks_at() -> None:
    contents = bytes(100) + EIGHTH
    assert candidates(rules(*literals(" first 109")), contents) == [8]
    assert candidates(rules(*literals(" first 103")), contents) == []


def test_packets_that_few_rules_are_about_are_not_looked_through() -> None:
    many = rules(*literals(" proto tcp port 80"))
    everything = list(range(MANY))
    assert candidates(many, b"nothing of that") == everything
    assert candidates(many, b"nothing of that", ipv4(tcp(dport=80), protocol=6)) == []
    assert candidates(many + rules(*literals()), b"nothing of that") == []


WORDS = ("needle-01", "needle-02", "aaaaaaa", "aaaaaaab", "abcabcabcabd", "Host:.evil", "GET.", r"\x00\/\.\|")
ENDS = (
    "",
    "",
    "",
    "+",
    "*",
    "?",
    "{2}",
    ".x",
    "[ab]",
    "(y|z)?",
    "(?:ab)*cdef",
    "|zz",
    "$",
    r"\d\d",
    ".*Host",
)
OPTIONS = ("", "", "", "", " first 30", " first 41", " port 53", " port 54-90", " proto tcp", " proto udp")
PARTS = [b"\0/.|", b"GET ", *b"needle-01 aaaaaaab HOST:_EVIL Needle-0 aaaa x 01 yz cdefghi".split()]


def random_rules(chance: random.Random) -> Ruleset[PayloadRule]:
    """Return rules that often match, many with the same options so that a pass is worth it."""
    usual = chance.choice(OPTIONS)
    found = []
    for _ in range(chance.choice((2, 12, 40, 80))):
        text = (
            chance.choice(("", "", "", "^"))
            + chance.choice(WORDS)
            + chance.choice(("", *WORDS))
            + chance.choice(ENDS)
        )
        text += "".join(chance.choices("abcx01", k=chance.randint(0, 12)))  # most rules match nothing
        options = usual if chance.random() < 0.9 else chance.choice(OPTIONS)
        verdict = chance.choice(("drop", "accept"))
        found.append(parse_rule(Line("f", 1, f"{verdict} /{text}/{chance.choice(('', '', 'i'))}{options}")))
    return Ruleset(found, abi.ANSWER_ACCEPT)


def random_packet(chance: random.Random, some: list[PayloadRule]) -> bytes:
    """Return a packet with parts of what rules look for, at any place."""
    pieces = chance.choices(PARTS, k=chance.randint(0, 6))
    pattern = chance.choice(some).regex.pattern  # literal ones match it
    pieces.insert(chance.randint(0, len(pieces)), chance.randbytes(chance.randint(0, 30)) + pattern)
    if chance.random() < 0.5:
        pieces.append(chance.choice(pieces).swapcase())
    segment = tcp if chance.random() < 0.4 else udp
    return ipv4(
        segment(b"".join(pieces), dport=chance.choice((53, 80))), protocol=6 if segment is tcp else 17
    )


def one_by_one(ruleset: Ruleset[PayloadRule], view: memoryview) -> int | None:
    """Return the number of the rule that decides, found in the simplest way."""
    packet = parse(view)
    assert packet
    contents = view[packet.contents :]
    for number, rule in enumerate(ruleset.rules):
        if len(contents) and rule.matches(packet, contents):
            return number
    return None


def test_decisions_are_those_of_searching_each_rule() -> None:
    chance = random.Random(2010)
    seen: Counter[str] = Counter()
    for _ in range(250):
        ruleset = random_rules(chance)
        handler, finder = Payload(ruleset), Candidates(ruleset.rules)
        for _ in range(12):
            view = memoryview(random_packet(chance, ruleset.rules))
            number = one_by_one(ruleset, view)
            decided = ruleset.default if number is None else ruleset.rules[number].answer
            assert handler.decide(view) == decided
            packet = parsed(view.tobytes())
            left = list(finder.find(packet, view[packet.contents :]))
            if number is not None:
                assert ruleset.rules[number] in left
            seen["matched" if number is not None else "none"] += 1
            seen["fewer" if len(left) < len(ruleset.rules) else "all"] += 1
    assert min(seen.values()) > 500, seen
