# SPDX-License-Identifier: MIT
"""The differences from nfnetlink_queue that are meant: the table in docs/compat.md, as code.

An entry says to which changes it applies, and what leaves over Fast Queue then. It is not a way to
excuse anything else: a difference that no entry explains fails the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exchanges import Exchange
from wire_format import Layout, layout

_DELIVERED = ("input",)


@dataclass(frozen=True)
class Difference:
    """One documented difference."""

    name: str
    reason: str
    applies: Callable[[Exchange, bytes, bytes], bool]  # to a packet and the answer to it
    right: Callable[[Exchange, Exchange], bool]  # what left over both paths: nfnetlink_queue, Fast Queue

    def explains(self, original: Exchange, found: Exchange) -> bool:
        """Whether what left may differ."""
        concerned = any(self.applies(found, seen, answer) for seen, answer in found.changes)
        return concerned and self.right(original, found)


def fewer(original: Exchange, found: Exchange) -> bool:
    """Nothing new leaves over Fast Queue; of a single packet nothing at all."""
    there = list(original.comparable())
    for item in found.comparable():
        if item not in there:
            return False
        there.remove(item)
    return not found.left if len(found.seen) == 1 else bool(there)


def as_answered(_original: Exchange, found: Exchange) -> bool:
    """Every answer leaves, as it was written, and nothing else."""
    kind = found.record.ethertype.to_bytes(2, "big")
    wanted = [kind + (seen if answer is None else answer)
              for seen, answer in zip(found.seen, found.answers, strict=True)]  # fmt: skip
    return [data for _, data in found.left] == wanted


def _ip_before(exchange: Exchange, seen: bytes) -> Layout | None:
    """The headers, if the stack takes the packet for IP."""
    found = layout(seen) if exchange.record.ethertype in (0x0800, 0x86DD) else None
    version = 4 if exchange.record.ethertype == 0x0800 else 6
    return found if found and found.version == version else None


def _invalid(exchange: Exchange, seen: bytes, answer: bytes) -> bool:
    before, after = _ip_before(exchange, seen), layout(answer)
    return before is not None and (after is None or after.version != before.version)


def _protocol_of_delivered(exchange: Exchange, seen: bytes, answer: bytes) -> bool:
    before, after = layout(seen), layout(answer)
    if exchange.scenario.hook not in _DELIVERED or exchange.scenario.bridged or not before or not after:
        return False
    return before.protocol != after.protocol


def _length_of_delivered(exchange: Exchange, seen: bytes, answer: bytes) -> bool:
    before, after = layout(seen), layout(answer)
    if exchange.scenario.hook not in _DELIVERED or exchange.scenario.bridged or not before or not after:
        return False
    return before.protocol == after.protocol and before.transport != after.transport


def _options(data: bytes) -> bytes:
    return data[20 : (data[0] & 15) * 4]


def options_valid(options: bytes) -> bool:
    """Say whether IPv4 options can be parsed (RFC 791): types, lengths, and no more than there is."""
    while options and options[0] != 0:
        if options[0] == 1:
            options = options[1:]
            continue
        if len(options) < 2 or not 2 <= options[1] <= len(options):
            return False
        options = options[options[1] :]
    return True


def _options_unparsable(exchange: Exchange, seen: bytes, answer: bytes) -> bool:
    before, after = layout(seen), layout(answer)
    if exchange.scenario.bridged or exchange.scenario.hook == "prerouting":
        return False
    if not before or not after or before.version != 4 or after.version != 4:
        return False
    return _options(seen) != _options(answer) and not options_valid(_options(answer))


def _options_changed_on_the_way(exchange: Exchange, seen: bytes, answer: bytes) -> bool:
    before, after = layout(seen), layout(answer)
    if exchange.scenario.hook != "forward" or not before or not after or before.version != 4:
        return False
    return after.version == 4 and bool(_options(seen)) and _options(seen) != _options(answer)


def _shorter_than_headers(_exchange: Exchange, seen: bytes, answer: bytes) -> bool:
    before = layout(seen)
    return before is not None and len(answer) < before.transport


def _segment_of_a_bridge(exchange: Exchange, _seen: bytes, _answer: bytes) -> bool:
    return exchange.scenario.bridged and exchange.record.kind == "large"


DIFFERENCES = (
    Difference(
        "not IP any more",
        "Fast Queue drops an IP packet whose answer has another version or no whole header",
        _invalid,
        fewer,
    ),
    Difference(
        "protocol at input",
        "Fast Queue drops an answer with another transport protocol where the packet's socket is known",
        _protocol_of_delivered,
        fewer,
    ),
    Difference(
        "header length at input",
        "Fast Queue delivers what stands behind the new headers; nfnetlink_queue takes the old length",
        _length_of_delivered,
        lambda _original, _found: True,
    ),
    Difference(
        "options that cannot be parsed",
        "Fast Queue drops changed IPv4 options that cannot be parsed, as the stack does with those it receives",
        _options_unparsable,
        fewer,
    ),
    Difference(
        "options changed while forwarding",
        "over nfnetlink_queue the kernel then writes record-route and timestamps where the old options were",
        _options_changed_on_the_way,
        as_answered,
    ),
    Difference(
        "shorter than the old headers",
        "nfnetlink_queue drops an answer that ends before the old transport header",
        _shorter_than_headers,
        lambda original, found: not original.left and as_answered(original, found),
    ),
    Difference(
        "segments on a bridge",
        "over nfnetlink_queue segments of a large packet leave a bridge without their Ethernet header",
        _segment_of_a_bridge,
        as_answered,
    ),
)
