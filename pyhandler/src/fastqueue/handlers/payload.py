# SPDX-License-Identifier: MIT
"""Decide by regular expressions on the contents of each packet."""

from __future__ import annotations

from ..packet import Packet, length, parse
from ..room import HEADERS, packet_bytes
from ..rules import PayloadRule, Ruleset
from ..rules.candidates import Candidates
from .base import ContentHandler


class Payload(ContentHandler):
    """The first rule that matches decides; packets without contents and what is not IP get the default.

    So do packets of which fewer bytes were captured than a rule looks at. With ``needs`` bytes of each
    packet, those are only packets with longer IPv6 extension headers than ``room.HEADERS`` leaves room for.

    needs: bytes of a packet that a ring has to copy
    cut:   packets that got the default for want of bytes
    """

    def __init__(self, rules: Ruleset[PayloadRule]) -> None:
        self._candidates = Candidates(rules.rules)
        self._default = rules.default
        self._first = max((rule.first for rule in rules.rules), default=0)
        self.needs = packet_bytes(self._first) if rules.rules else 0
        self.cut = 0

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
        for rule in self._candidates.find(packet, contents):
            if rule.matches(packet, contents):
                return rule.answer
        return self._default

    def _is_cut(self, packet: Packet, view: memoryview) -> bool:
        """Say whether the packet goes on behind its captured bytes, where a rule would look at it."""
        seen = len(view) - packet.contents
        return not packet.later_fragment and seen < self._first and len(view) < length(view)
