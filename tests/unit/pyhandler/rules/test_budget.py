# SPDX-License-Identifier: MIT
"""One packet never keeps a handler busy for long, however many rules there are."""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from fastqueue import RingOptions, abi
from fastqueue.cli import main
from fastqueue.handlers import Payload
from fastqueue.rules import RulesError, linear, payload, read_payload_rules
from fastqueue.rules.budget import RULES_PER_LOOK
from fastqueue.rules.expression import compile_expression
from fastqueue.rules.linear import LinearPattern, share_tables
from fastqueue.rules.parser import Line, Ruleset
from fastqueue.rules.payload import FIRST_BYTES, parse_rule
from fastqueue.rules.prefilter import Candidates

from ..packets import ipv4, udp
from ..test_room import requests

__all__ = ["requests"]

#: Rules for the automaton and for Python's matcher that match nothing here.
AUTOMATON = "drop /^(?:[a-m]+[n-z]?)+[0-9]{%d}$/"
MATCHER = "drop /[a-m][0-9](?:x%d)/"
#: An expression that has a new state for nearly each byte of random contents.
EXPLOSIVE = "a.{40}c.*d.*[ef]"
CONTENTS = b"abcdefghijklm" * 100


def handler(*lines: str, budget_s: float | None = None) -> Payload:
    rules = Ruleset([parse_rule(Line("f", 1, line)) for line in lines], abi.ANSWER_ACCEPT)
    return Payload(rules) if budget_s is None else Payload(rules, budget_s)


def decide(by: Payload, contents: bytes) -> int:
    return by.decide(memoryview(ipv4(udp(contents))))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> count[int]:
    """Have a second pass between any two looks at the clock; the next value is the number of looks."""
    ticks = count()
    monkeypatch.setattr(time, "thread_time", lambda: float(next(ticks)))
    return ticks


def test_no_packet_compiles_an_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    by = handler(*(AUTOMATON % number for number in range(1, 301)))

    def compiled(*arguments: object) -> None:
        raise AssertionError("compiled for a packet")

    monkeypatch.setattr(linear.Automaton, "__init__", compiled)
    monkeypatch.setattr("re._parser.parse", compiled)
    assert [decide(by, CONTENTS) for _ in range(2)] == [abi.ANSWER_ACCEPT] * 2


@pytest.mark.parametrize(("rule", "rules_per_look"), [(AUTOMATON, 1), (MATCHER, RULES_PER_LOOK)])
@pytest.mark.parametrize("looks", [1, 3, 10])
def test_a_packet_for_which_the_rules_take_too_long_gets_the_default_and_is_counted(
    clock: count[int], rule: str, rules_per_look: int, looks: int
) -> None:
    """The first look is the beginning; after that, each takes a second of the budget."""
    rules = [rule % number for number in range(1, rules_per_look * looks)]
    by = handler(*rules, "drop /^last/", budget_s=looks - 1)
    assert decide(by, b"last" + CONTENTS) == abi.ANSWER_DROP
    assert by.over_budget == 0
    by = handler(*rules, rule % 99, "drop /^last/", budget_s=looks - 1.5)
    assert decide(by, b"last" + CONTENTS) == (abi.ANSWER_ACCEPT if looks > 1 else abi.ANSWER_DROP)
    assert by.over_budget == (looks > 1)


def test_each_packet_has_the_whole_budget(clock: count[int]) -> None:
    by = handler(*(AUTOMATON % number for number in range(1, 4)), budget_s=2.5)
    for _ in range(5):
        decide(by, CONTENTS)
    assert by.over_budget == 0
    assert next(clock) == 15


def test_few_rules_for_pythons_matcher_need_no_clock(clock: count[int]) -> None:
    decide(handler(*(MATCHER % number for number in range(1, RULES_PER_LOOK))), CONTENTS)
    assert next(clock) == 0


def test_one_search_takes_a_limited_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    step = linear.Automaton._step

    def counted(self: linear.Automaton, state: int, symbol: int) -> int:
        nonlocal steps
        steps += 1
        return step(self, state, symbol)

    monkeypatch.setattr(linear.Automaton, "_step", counted)
    contents = bytes(random.Random(1).choices(b"abcd", k=60_000))
    by = handler(f"drop /{EXPLOSIVE}/ first 65535")
    assert decide(by, contents) == abi.ANSWER_ACCEPT
    assert by.over_budget == 1
    assert steps <= linear.MOST_STEPS
    assert decide(by, contents[: linear.MOST_STEPS] + b"e") == abi.ANSWER_DROP
    assert decide(by, b"ab" * 30_000) == abi.ANSWER_ACCEPT
    assert by.over_budget == 1


def test_the_default_number_of_bytes_is_always_searched_to_its_end() -> None:
    assert FIRST_BYTES + 1 <= linear.MOST_STEPS


def states(pattern: LinearPattern) -> int:
    return len(pattern._automaton._rows)


def words(pattern: LinearPattern) -> int:
    return sum(len(row) + linear._STATE_WORDS for row in pattern._automaton._rows.values())


def test_tables_of_many_automata_share_their_memory() -> None:
    patterns = [
        compile_expression(b"a.{%d}c.*d.*[ef]" % most, ignore_case=False, first=2048)
        for most in range(40, 540)
    ]
    automata = [pattern for pattern in patterns if isinstance(pattern, LinearPattern)]
    assert len(automata) == 500
    contents = bytes(random.Random(1).choices(b"abcd", k=700))
    automata[0].search(contents)
    assert states(automata[0]) > 100  # alone
    share_tables(patterns)
    for each in automata:
        each.search(contents)
    assert sum(map(words, automata)) <= linear._ALL_TABLES_WORDS + 500
    assert min(map(states, automata)) > 0


def test_each_of_very_many_automata_has_some_states() -> None:
    pattern = compile_expression(EXPLOSIVE.encode(), ignore_case=False, first=2048)
    assert isinstance(pattern, LinearPattern)
    share_tables([pattern] * 100_000)
    pattern.search(bytes(random.Random(1).choices(b"abcd", k=700)))
    assert 0 < states(pattern) <= linear._LEAST_STATES


@pytest.mark.parametrize("text", [AUTOMATON % 9, f"drop /{EXPLOSIVE}/", r"drop /a.{1900}c.*d/"])
def test_expressions_that_take_too_much_memory_together_are_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = parse_rule(Line("f", 1, text))
    assert isinstance(rule.regex, LinearPattern)
    monkeypatch.setattr(payload, "MOST_AUTOMATA_BYTES", 3 * rule.regex.size)
    file = tmp_path / "rules"
    other = "drop /worm/\n"
    file.write_text(other + f"{text}\n" * 3 + other)
    assert len(read_payload_rules(file).rules) == 5
    file.write_text(f"{text}\n" * 2 + other * 20 + f"{text}\n" * 2)
    with pytest.raises(
        RulesError, match=rf"^{file}:24: found more than .* of automata, .*, expected fewer such"
    ):
        read_payload_rules(file)


def test_the_size_of_an_automaton_is_about_what_it_takes() -> None:
    import tracemalloc

    for text in (
        AUTOMATON % 9,
        f"drop /{EXPLOSIVE}/",
        r"drop /a.{1900}c.*d/",
        "drop /" + "(?:[a-m]x*)?" * 20 + "$/",
    ):
        parse_rule(Line("f", 1, text))  # whatever is kept of a first one
        tracemalloc.start()
        try:
            rules = [parse_rule(Line("f", 1, text)) for _ in range(5)]
            gc.collect()  # what reading has left in cycles
            taken = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert all(isinstance(rule.regex, LinearPattern) for rule in rules)
        assert taken <= sum(getattr(rule.regex, "size", 0) for rule in rules) * 1.25


def nested(calls: int, pattern: LinearPattern, contents: bytes) -> bool | None:
    """Search from a stack that is so much deeper."""
    return nested(calls - 1, pattern, contents) if calls else pattern.search(contents)


def test_an_expression_that_is_taken_is_searched_from_any_stack() -> None:
    text = b"(?:" * 60 + b"(a+)+" + b")?" * 60 + b"b$"
    pattern = compile_expression(text, ignore_case=False, first=2048)
    assert isinstance(pattern, LinearPattern)
    depth = sum(1 for _ in iter_frames())
    assert nested(sys.getrecursionlimit() - depth - 20, pattern, b"aaab") is True


def iter_frames() -> Iterator[object]:
    frame = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back  # type: ignore[assignment]


def test_conditions_that_are_looked_at_before_a_pass_are_few() -> None:
    rules = [parse_rule(Line("f", 1, f"drop /needle-{port:05}/ port {port}")) for port in range(1, 2001)]
    assert len(Candidates(rules)._conditions) <= 64


def test_packets_over_budget_are_told_at_the_end(
    requests: list[RingOptions],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Payload, "__init__", lambda self, rules: self.__dict__.update(needs=0, over_budget=2))
    file = tmp_path / "rules"
    file.write_text("default drop")
    assert main(["run", "payload", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("default action 0, over budget 2")
