# SPDX-License-Identifier: MIT
"""Expressions of rules: every search ends soon, and finds what Python's matcher finds."""

from __future__ import annotations

import random
import re

import pytest
from fastqueue.rules import RulesError, backtracking, linear
from fastqueue.rules.expression import STEPS_PER_BYTE, ExpressionError, Pattern, compile_expression
from fastqueue.rules.linear import LinearPattern
from fastqueue.rules.parser import Line
from fastqueue.rules.payload import FIRST_BYTES, parse_rule
from fastqueue.rules.syntax import parse

from ..backtracker import Backtracker, TooManyStepsError

#: Expressions that backtrack for too long in Python's matcher, and contents with which they do.
SLOW = {
    rb"^(a+)+$": b"a" * 60 + b"!",
    rb"^(a|aa)+$": b"a" * 60 + b"!",
    rb"(?:a*)*b": b"a" * 60,
    rb"(a?){30}a{30}c": b"a" * 60,
    rb".*a.*b.*c": b"a" * 60 + b"b" * 60,
    rb"\d*$": b"1" * 600 + b"!",
    rb"(\w+\s)*x": b"a " * 300 + b"a" * 300,
}
HOST = rb"(?:^|\r\n)Host: .*evil"  # the square of the contents: too many only when they are long
#: Expressions for which Python's matcher needs few steps for each byte.
QUICK = [
    rb"worm-[0-9]{1,3}\.exe",
    rb"^GET [^ ]*evil",
    rb"^\x13BitTorrent protocol|^azver\x01$",
    rb"[a-z]{20}",
    rb"x.*",
    rb"x{1,20}y|z",
    rb"(?<!a)b(?=c)",
    rb"(a)\1",
    rb"(?:foo|bar|\d)+$",
]


def compiled(text: bytes, *, ignore_case: bool = False, first: int = FIRST_BYTES) -> Pattern:
    return compile_expression(text, ignore_case=ignore_case, first=first)


@pytest.mark.parametrize("text", [*SLOW, HOST])
def test_expressions_that_backtrack_too_long_are_searched_by_the_automaton(text: bytes) -> None:
    assert isinstance(compiled(text), LinearPattern)


@pytest.mark.parametrize("text", QUICK[:6])
def test_other_expressions_are_pythons(text: bytes) -> None:
    assert isinstance(compiled(text), re.Pattern)


@pytest.mark.parametrize(("text", "contents"), SLOW.items())
def test_slow_expressions_do_take_that_many_steps(text: bytes, contents: bytes) -> None:
    """A backtracking matcher needs more steps than are allowed: the bound is no false alarm."""
    with pytest.raises(TooManyStepsError):
        Backtracker(text, re.DOTALL, contents, STEPS_PER_BYTE * len(contents)).search()


@pytest.mark.parametrize("text", [*SLOW, HOST])
@pytest.mark.parametrize("character", [b"a", b"1", b"a ", b"\r\nHost: "])
def test_a_search_costs_a_few_steps_for_each_byte(
    text: bytes, character: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in steps of the automaton, on contents as long as a rule may look at."""
    count = 0
    step = linear.Automaton._step

    def counted(self: linear.Automaton, state: int, symbol: int) -> int:
        nonlocal count
        count += 1
        return step(self, state, symbol)

    monkeypatch.setattr(linear.Automaton, "_step", counted)
    contents = character * (65535 // len(character)) + b"!"
    linear.Automaton(parse(text, re.DOTALL)).search(contents)
    assert count <= len(contents) + 1


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        (rb"^(a+)+$", b"a" * 40),
        (rb"^(a+)+$", b"a" * 40 + b"\n"),
        (rb"^(a+)+\Z", b"a" * 40),
        (rb".*a.*b.*c", b"..a....b...c."),
        (rb"(?:^|\r\n)host: .*EVIL", b"GET\r\nHOST: very evil"),
        (rb"(?:^|\r\n)host: .*EVIL", b"host:  evil"),
        (rb"(?:)*.*x?", b""),
        (rb"^^(?:\A)(a+)+$$\Z", b"aaa"),
    ],
)
def test_the_automaton_finds_matches(text: bytes, contents: bytes) -> None:
    pattern = compiled(text, ignore_case=True)
    assert isinstance(pattern, LinearPattern)
    assert pattern.search(memoryview(contents)) is True


@pytest.mark.parametrize("contents", [b"a" * 40 + b"!", b"a" * 40 + b"\n\n", b"", b"\n"])
def test_the_automaton_finds_nothing_else(contents: bytes) -> None:
    assert compiled(rb"^(a+)+$").search(memoryview(contents)) is None
    assert compiled(rb"^(a+)+\Z").search(memoryview(contents + b"\n")) is None


def test_states_are_forgotten_when_they_are_many() -> None:
    automaton = linear.Automaton(parse(rb"a.{40}c.*d", re.DOTALL))
    for number in range(6):
        contents = bytes(random.Random(number).choices(b"ab", k=4000))
        assert not automaton.search(contents)
        assert sum(map(len, automaton._rows.values())) <= 8192
        assert automaton.search(contents + b"a" + bytes(40) + b"cd")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (rb"(a*)*\1", "reference to a group"),
        (rb"(?<=x)(a+)+$", "look ahead or back"),
        (rb"\b(a+)+$", "boundary of words or lines"),
        (rb"(?m)^(a+)+$", "boundary of words or lines"),
        (rb"(?>a*)*$", "atomic group"),
        (rb"(a.*)*+$", "possessive repeat"),
        (rb"(a.*)?(?(1)b.*|c.*)$", "condition on a group"),
        (rb"(?:a{65535}){65535}", "2048 parts"),
        (rb"(?:a?){65535}b.*c", "2048 parts"),
        (rb"(?:(?:){2000}){2000}", "2048 parts"),
        (b"".join(b"%c?" % number for number in range(97, 123)) * 4 + b"$", "64 kinds of successors"),
        (b"(" * 5000, "groups nested too deeply"),
        (b"(" * 3000 + b")" * 3000, "groups nested too deeply"),
        (b"x{" + b"9" * 4301 + b"}", "a number that is too large"),
        (b"x{99999999999999}", "the repetition number is too large"),
        (rb"(?a)(?L)x", "ASCII and LOCALE flags are incompatible"),
        (rb"(?L)x", "the flag L"),
        (rb"(?u)x", "cannot use 'u' flag"),
        (rb"(?<=a*)b", "look ahead or back"),
        (rb"(?<=a?)b", "look-behind requires fixed-width pattern"),
        (rb"[z-a]", "bad character range"),
        (rb"\8", "invalid group reference"),
    ],
)
def test_expressions_that_cannot_be_searched_in_bounded_time_or_at_all(text: bytes, found: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled(text)
    assert found in caught.value.found
    with pytest.raises(RulesError, match=r"^f:7: found '.*, expected "):
        parse_rule(Line("f", 7, f"drop /{text.decode()}/"))


def test_what_is_too_slow_for_many_bytes_may_be_quick_enough_for_few() -> None:
    assert isinstance(compiled(rb"(a.{0,9})\1", first=40), re.Pattern)
    with pytest.raises(
        ExpressionError, match=r"up to \d+ steps for 2048 bytes; .*an expression of at most 131072"
    ):
        compiled(rb"(a.{0,9})\1.*b")


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        (rb"(?:a*b?){4}c", b"a" * 15),
        (rb"(?:(?:a*b?)a*b?)a*b?c", b"a" * 30),
        (b"(?:a|b*)" * 9 + b"c", b"a" * 12),
        (rb"(?:a|ab|b)*c", b"ab" * 8),
        (rb"(?:a{0,3}){5}c", b"a" * 15),
        (rb"(?:ab|a)*?(?:b|c*)*?d", b"ab" * 5),
        (rb"^(?:a*)*$", b"a" * 9 + b"!"),
        (rb"a+b+c+d", b"aabbcc" * 8),
        (rb"[^ ]* [^ ]*!", b"ab cd ef " * 6),
        (rb"(?:x[^x]*)*y", b"xab" * 15),
    ],
)
def test_the_bound_is_one(text: bytes, contents: bytes) -> None:
    parsed = parse(text, re.DOTALL)
    matcher = Backtracker(text, re.DOTALL, contents, backtracking.steps(parsed, len(contents)))
    assert matcher.search() is (re.search(text, contents, re.DOTALL) is not None)


@pytest.mark.parametrize("text", [*SLOW, HOST, *QUICK])
def test_the_bound_does_not_end_where_the_steps_are_few(text: bytes) -> None:
    parsed = parse(text, re.DOTALL)
    assert backtracking.steps(parsed, 0) <= backtracking.steps(parsed, 10) <= backtracking.steps(parsed, 1000)
