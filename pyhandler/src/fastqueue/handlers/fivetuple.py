# SPDX-License-Identifier: MIT
"""Decide by addresses, ports and protocol; a flow's later packets cost one look into a table."""

from __future__ import annotations

from .. import backend
from ..flows import Decide
from ..packet import parse
from ..room import PORTS
from ..rules import FiveTupleRule, Ruleset
from ..rules.budget import PACKET_S, Budget, OverBudgetError
from ..rules.tuple_space import TupleSpace
from .base import ContentHandler


class FiveTuple(ContentHandler):
    """The first rule that matches decides; what is not IP gets the default.

    So does a flow for whose first packet the rules would take longer than ``budget_s`` seconds.

    flow_limit:  flows remembered, of each protocol and IP version in plain Python
    over_budget: packets that got the default because the rules would have taken too long
    """

    needs = PORTS

    def __init__(
        self, rules: Ruleset[FiveTupleRule], flow_limit: int = 8192, budget_s: float = PACKET_S
    ) -> None:
        self._rules = TupleSpace(rules.rules)
        self._default = rules.default
        self._budget_s = budget_s
        self.over_budget = 0
        self._flows = backend.current.flows(self._by_rules, flow_limit)

    def decide(self, view: memoryview) -> int:
        """Answer by the flow's earlier packets, or by the rules."""
        return self._flows.decide(view)

    def quickest(self) -> Decide:
        """See ContentHandler; the extension knows its own table, and asks nobody about a known flow."""
        return self._flows.decide

    def _by_rules(self, view: memoryview) -> int:
        packet = parse(view)
        if packet is None:
            return self._default
        try:
            rule = self._rules.find(packet, Budget(self._budget_s).look)
        except OverBudgetError:
            self.over_budget += 1
            return self._default
        return self._default if rule is None else rule.answer
