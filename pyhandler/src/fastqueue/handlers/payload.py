# SPDX-License-Identifier: MIT
"""Decide by regular expressions on the contents of each packet."""

from __future__ import annotations

from ..packet import Packet, length, parse
from ..room import HEADERS, packet_bytes
from ..rules import PayloadRule, Ruleset
from ..rules.budget import PACKET_S, RULES_PER_LOOK, Budget, OverBudgetError
from ..rules.linear import LinearPattern, share_tables
from ..rules.prefilter import Candidates
from .base import ContentHandler


class Payload(ContentHandler):
    """The first rule that matches decides; packets without contents and what is not IP get the default.

    So do packets of which fewer bytes were captured than a rule looks at. With ``needs`` bytes of each
    packet, those are only packets with longer IPv6 extension headers than ``room.HEADERS`` leaves room for.
    So do packets for which the rules would take longer than ``budget_s`` seconds of the processor.

    needs:       bytes of a packet that a ring has to copy
    cut:         packets that got the default for want of bytes
    over_budget: packets that got the default because the rules would have taken too long
    """

    def __init__(self, rules: Ruleset[PayloadRule], budget_s: float = PACKET_S) -> None:
        share_tables(rule.regex for rule in rules.rules)
        self._budget_s = budget_s
        self._candidates = Candidates(rules.rules)
        self._default = rules.default
        self._first = max((rule.first for rule in rules.rules), default=0)
        self.needs = packet_bytes(self._first) if rules.rules else 0
        self.cut = self.over_budget = 0

    def decide(self, view: memoryview) -> int:
        """Answer by the rules."""
        packet = parse(view)
        if packet is None:
            return self._default
        if packet.contents > HEADERS and self._is_cut(packet, view):
            self.cut += 1
            return self._default
        if packet.contents == len(view):
            return self._default
        contents = view[packet.contents :]
        try:
            return self._by_rules(packet, contents)
        except OverBudgetError:
            self.over_budget += 1
            return self._default

    def _by_rules(self, packet: Packet, contents: memoryview) -> int:
        """Return the answer of the first rule that matches. Raises OverBudgetError."""
        budget = None
        for number, rule in enumerate(self._candidates.find(packet, contents), 1):
            if rule.matches(packet, contents):
                return rule.answer
            if number % RULES_PER_LOOK == 0 or isinstance(rule.regex, LinearPattern):
                budget = budget or Budget(self._budget_s)
                budget.check()
        return self._default

    def _is_cut(self, packet: Packet, view: memoryview) -> bool:
        """Say whether the packet goes on behind its captured bytes, where a rule would look at it."""
        seen = len(view) - packet.contents
        return not packet.later_fragment and seen < self._first and len(view) < length(view)
