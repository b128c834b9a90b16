# SPDX-License-Identifier: MIT
"""What is read of an expression: bytes that its matches have, and whether they are at the beginning."""

from __future__ import annotations

import random
import re
import warnings

import pytest
from fastqueue.rules.literals import NOTHING_KNOWN, Reading, read


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        (rb"abcd", [b"abcd"]),
        (rb"\x2fab\x00\/\.\ ", [b"/ab\0/. "]),
        (rb"abc+d", [b"ab", b"d"]),
        (rb"abc*?d", [b"ab", b"d"]),
        (rb"ab\x63{2,3}+12", [b"ab", b"12"]),
        (rb"ab{,}c{}d", [b"a", b"d"]),
        (rb"ab{c}d", [b"ab{c}d"]),
        (rb"ab.cd$", [b"ab", b"cd"]),
        (rb"ab\d\wcd\n", [b"ab", b"cd"]),
        (rb"ab[]x|(*]cd[^]\]y]", [b"ab", b"cd"]),
        (rb"ab[[]cd]ef", [b"ab", b"cd]ef"]),
        (rb"ab(cd|ef(g))*hi(?:kl)", [b"ab", b"hi"]),
        (rb"a\|b", [b"a|b"]),
        (rb"*", []),
    ],
)
def test_literals(text: bytes, literals: list[bytes]) -> None:
    assert read(text) == Reading(tuple(literals), False)


@pytest.mark.parametrize("text", [rb"^", rb"^GET ", rb"^(?:GET|POST) /", rb"^$"])
def test_anchored(text: bytes) -> None:
    assert read(text).anchored


@pytest.mark.parametrize(
    "text",
    [
        rb"abcd|efgh",
        rb"^abcd|efgh",
        rb"(ab)|cdef",
        rb"(?i)abcd",
        b"(?x: # (\n )abcd",
        rb"(?#[)abcd|]",
        rb"(?=abcd)",
        rb"(?!abcd)x",
        rb"(?P<name>a)bcdef",
        rb"(a)bcde\1f",
        rb"\0123abcd",
    ],
)
def test_other_expressions_need_nothing(text: bytes) -> None:
    re.compile(text)
    assert read(text) == NOTHING_KNOWN


PIECES = re.findall(
    r"\S+",
    r"a b ab ba \x61 \x62\x2e \. / . \w \d 0 1 \1 \01 ] } # ( ) (?: (?i: (?= (?! (?# (?x: | ^ $ \b \A \Z "
    r"\n \| \( \[ [ [^ [] [ab] [^a] [a|(] [\]b] [a-b] * + ? { {} {2} {,1} {1,2} {x ,",
)
CONTENTS = b"ab ab.01/]}#|([\n-,x{"


def compiled(text: str) -> re.Pattern[bytes] | None:
    """Compile an expression; None where it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(text.encode(), re.DOTALL)
    except re.error:
        return None


def test_every_match_has_the_literals() -> None:
    chance = random.Random(20101123)
    matched = known = anchored = 0
    for _ in range(30_000):
        regex = compiled("".join(chance.choices(PIECES, k=chance.randint(1, 7))))
        contents = bytes(chance.choices(CONTENTS, k=8))
        found = regex and regex.search(contents)
        if not regex or not found:
            continue
        reading = read(regex.pattern)
        place = found.start()
        for literal in reading.literals:
            place = found.string.find(literal, place, found.end()) + len(literal)
            assert place >= len(literal), (regex.pattern, contents)
        assert not reading.anchored or found.start() == 0
        matched, known, anchored = matched + 1, known + bool(reading.literals), anchored + reading.anchored
    assert matched > 2_000
    assert known > 500
    assert anchored > 50
