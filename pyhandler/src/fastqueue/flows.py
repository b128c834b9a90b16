# SPDX-License-Identifier: MIT
"""Verdicts on flows: what the rules said about a flow's first packet holds for its later ones."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from struct import error as StructError
from typing import Protocol

from .packet import TCP, UDP

# Everything a decision depends on, in packets without options or extension headers.
_IPV4 = Struct("!B5xHxB2x12s")  # version and header length, fragment, protocol, addresses with ports
_IPV6 = Struct("!B5xBx36s")  # version, next header, addresses with ports
_PLAIN_IPV4 = 0x45  # version 4, header of 5 words
_OFFSET = 0x1FFF

Decide = Callable[[memoryview], int]
_Table = dict[int, dict[bytes, int]]


class Flows(Protocol):
    """Answers (``abi.ANSWER_*``) by a packet's bytes from its network header on."""

    @property
    def decide(self) -> Decide:
        """Answer by the flow's earlier packets, or by the rules."""

    def __len__(self) -> int:
        """Return how many flows are known."""


class PlainFlows:
    """A dict for each protocol and IP version, of up to ``limit`` flows.

    Beyond that all of it are forgotten at once, which costs each flow one more look at the rules
    and no bookkeeping a packet. ``by_rules(packet)`` must depend on nothing but addresses, ports,
    protocol and whether the packet is a later fragment.
    """

    def __init__(self, by_rules: Decide, limit: int) -> None:
        self._by_rules = by_rules
        self._limit = limit
        self._flows4: _Table = {TCP: {}, UDP: {}}
        self._flows6: _Table = {TCP: {}, UDP: {}}

    def __len__(self) -> int:
        """Return how many flows are known."""
        return sum(len(known) for table in (self._flows4, self._flows6) for known in table.values())

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
        """Go by the rules, and remember the flow if it is one that ``decide`` can find again.

        A slot may be another packet's at any time: its time limit passes while the rules run. So the rules
        and the key are given one private copy. Should it mix bytes of two packets, what is remembered is
        still the rules' answer for the addresses and ports of that mixture.
        """
        if self._place(view) is None:
            return self._by_rules(view)
        copy = memoryview(bytes(view))
        answer = self._by_rules(copy)
        place = self._place(copy)
        if place is not None:
            known, key = place
            if len(known) >= self._limit:
                known.clear()
            known[key] = answer
        return answer

    def _place(self, view: memoryview) -> tuple[dict[bytes, int], bytes] | None:
        """Return the table and the key of a packet; None if there is nothing to remember it by."""
        known: dict[bytes, int] | None = None
        key = b""
        if len(view) >= _IPV4.size and view[0] == _PLAIN_IPV4:
            _, fragment, protocol, key = _IPV4.unpack_from(view)
            known = None if fragment & _OFFSET else self._flows4.get(protocol)
        elif len(view) >= _IPV6.size and view[0] >> 4 == 6:
            _, protocol, key = _IPV6.unpack_from(view)
            known = self._flows6.get(protocol)
        return None if known is None else (known, key)
