# SPDX-License-Identifier: MIT
"""Decide by addresses, ports and protocol; a flow's later packets cost one look into a table."""

from __future__ import annotations

from .. import implementation
from ..flows import Decide
from ..packet import parse
from ..room import PORTS
from ..rules import FiveTupleRule, Ruleset
from .base import ContentHandler


class FiveTuple(ContentHandler):
    """The first rule that matches decides; what is not IP gets the default.

    flow_limit: flows remembered, of each protocol and IP version in plain Python
    """

    needs = PORTS

    def __init__(self, rules: Ruleset[FiveTupleRule], flow_limit: int = 8192) -> None:
        self._rules = rules
        self._flows = implementation.current.flows(self._by_rules, flow_limit)

    def decide(self, view: memoryview) -> int:
        """Answer by the flow's earlier packets, or by the rules."""
        return self._flows.decide(view)

    def quickest(self) -> Decide:
        """See ContentHandler; the extension knows its own table, and asks nobody about a known flow."""
        return self._flows.decide

    def _by_rules(self, view: memoryview) -> int:
        packet = parse(view)
        if packet is not None:
            for rule in self._rules.rules:
                if rule.matches(packet):
                    return rule.answer
        return self._rules.default
