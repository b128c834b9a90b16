# SPDX-License-Identifier: MIT
"""Decide by regular expressions on the contents of each packet."""

from __future__ import annotations

from ..packet import parse
from ..rules import PayloadRule, Ruleset
from ..rules.candidates import Candidates
from .base import ContentHandler


class Payload(ContentHandler):
    """The first rule that matches decides; packets without contents and what is not IP get the default."""

    def __init__(self, rules: Ruleset[PayloadRule]) -> None:
        self._candidates = Candidates(rules.rules)
        self._default = rules.default

    def decide(self, view: memoryview) -> int:
        """Answer by the rules."""
        packet = parse(view)
        if packet is None or packet.contents == len(view):
            return self._default
        contents = view[packet.contents :]
        for rule in self._candidates.find(packet, contents):
            if rule.matches(packet, contents):
                return rule.answer
        return self._default
