# SPDX-License-Identifier: MIT
"""Which of many rules on contents may match a packet, where to find out is cheaper than to search each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from ..packet import Packet
from .literals import read
from .payload import PayloadRule
from .qgrams import Qgrams, shortest

_NO_CONDITION = PayloadRule(0, re.compile(b""), 0, None, None)
_STEPS = (1, 2, 4, 8)
_MOST_CONDITIONS = 64  # looked at before a pass: as many rules as make it worth its price, and some
#: Instructions for a byte of text: to search one rule; of a pass, to take bytes out, to look up at step 1.
_SEARCH, _TAKE_OUT, _LOOK_UP = 6.5, 13, 360


class Candidates:
    """Rules in their order, less those whose literals a packet does not have.

    A pass over the contents is for the rules that have a literal of some length and look at as many bytes of
    contents as most. All others are candidates always; anchored ones are, because they cost little.
    """

    def __init__(self, rules: Sequence[PayloadRule]) -> None:
        literals = {number: literal for number, rule in enumerate(rules) if (literal := _literal(rule))}
        firsts = Counter(rules[number].first for number in literals)
        self._first = max(firsts, key=firsts.__getitem__, default=0)
        literals = {number: one for number, one in literals.items() if rules[number].first == self._first}
        step = max(_STEPS, key=lambda step: len(_long(literals, step)) - _price(step))
        named = _long(literals, step)
        if len(named) < _price(step):
            named = {}
        self._rules = rules
        conditions = Counter(_condition(rules[number]) for number in named)
        self._left = _price(step) - conditions.pop(_NO_CONDITION, 0)  # rules that must be about a packet
        self._conditions = conditions.most_common(_MOST_CONDITIONS)
        self._qgrams = Qgrams(named, step, any(_ignores_case(rules[number]) for number in named))
        self._others = [number for number in range(len(rules)) if number not in named]
        self._other_rules = [rules[number] for number in self._others]

    def find(self, packet: Packet, contents: memoryview) -> Sequence[PayloadRule]:
        """Return all rules that may match, in their order."""
        if not self._worth_a_pass(packet, contents):
            return self._rules
        found = self._qgrams.find(contents[: self._first])
        if not found:
            return self._other_rules
        return [self._rules[number] for number in sorted(found.union(self._others))]

    def _worth_a_pass(self, packet: Packet, contents: memoryview) -> bool:
        """Say whether the pass may spare this packet more searches than it costs."""
        left = self._left
        for condition, number in self._conditions:
            if left <= 0:
                break
            if condition.matches(packet, contents):
                left -= number
        return left <= 0


def _price(step: int) -> float:
    """Return how many rules cost as much to search as a pass does."""
    return (_TAKE_OUT + _LOOK_UP / step) / _SEARCH


def _long(literals: Mapping[int, bytes], step: int) -> dict[int, bytes]:
    return {number: literal for number, literal in literals.items() if len(literal) >= shortest(step)}


def _condition(rule: PayloadRule) -> PayloadRule:
    """Return a rule that asks the same of protocol and port and nothing of contents."""
    return _NO_CONDITION._replace(protocol=rule.protocol, port=rule.port)


def _literal(rule: PayloadRule) -> bytes:
    """Return the longest literal that the rule's matches have, the last of those; none for anchored ones."""
    found = read(rule.regex.pattern)
    return b"" if found.anchored else max(reversed(found.literals), key=len, default=b"")


def _ignores_case(rule: PayloadRule) -> bool:
    return bool(rule.regex.flags & re.IGNORECASE)
