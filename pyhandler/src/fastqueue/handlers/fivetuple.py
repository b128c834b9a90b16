# SPDX-License-Identifier: MIT
"""Decide by addresses, ports and protocol; a flow's later packets cost one look into a dict."""

from __future__ import annotations

from struct import Struct
from struct import error as StructError

from ..packet import TCP, UDP, parse
from ..rules import FiveTupleRule, Ruleset
from .base import ContentHandler

# Everything a decision depends on, in packets without options or extension headers.
_IPV4 = Struct("!B5xHxB2x12s")  # version and header length, fragment, protocol, addresses with ports
_IPV6 = Struct("!B5xBx36s")  # version, next header, addresses with ports
_PLAIN_IPV4 = 0x45  # version 4, header of 5 words
_OFFSET = 0x1FFF

Flows = dict[int, dict[bytes, int]]


class FiveTuple(ContentHandler):
    """The first rule that matches decides; what is not IP gets the default.

    flow_limit: flows remembered per protocol and IP version; beyond it all are
    forgotten at once, which costs each one look at the rules and no bookkeeping a packet
    """

    def __init__(self, rules: Ruleset[FiveTupleRule], flow_limit: int = 8192) -> None:
        self._rules = rules
        self._flow_limit = flow_limit
        self._flows4: Flows = {TCP: {}, UDP: {}}
        self._flows6: Flows = {TCP: {}, UDP: {}}

    def decide(self, view: memoryview) -> int:
        """Answer by the flow's earlier packets, or by the rules."""
        try:
            version, fragment, protocol, key = _IPV4.unpack_from(view)
            if version == _PLAIN_IPV4 and not fragment & _OFFSET:
                return self._flows4[protocol][key]
            if version >> 4 == 6:
                version, protocol, key = _IPV6.unpack_from(view)
                return self._flows6[protocol][key]
        except (KeyError, StructError):
            return self._first_look(view)
        return self._by_rules(view)

    def _first_look(self, view: memoryview) -> int:
        """Go by the rules, and remember the flow if it is one that ``decide`` can find again."""
        answer = self._by_rules(view)
        plain4 = len(view) >= _IPV4.size and view[0] == _PLAIN_IPV4
        plain6 = len(view) >= _IPV6.size and view[0] >> 4 == 6
        if plain4:
            *_, protocol, key = _IPV4.unpack_from(view)
            self._remember(self._flows4, protocol, key, answer)
        elif plain6:
            *_, protocol, key = _IPV6.unpack_from(view)
            self._remember(self._flows6, protocol, key, answer)
        return answer

    def _remember(self, flows: Flows, protocol: int, key: bytes, answer: int) -> None:
        known = flows.get(protocol)
        if known is None:  # no ports in the key
            return
        if len(known) >= self._flow_limit:
            known.clear()
        known[key] = answer

    def _by_rules(self, view: memoryview) -> int:
        packet = parse(view)
        if packet is not None:
            for rule in self._rules.rules:
                if rule.matches(packet):
                    return rule.answer
        return self._rules.default
