# SPDX-License-Identifier: MIT
"""Differences between two exchanges, as text."""

from __future__ import annotations

from collections.abc import Sequence

from exchanges import SEED, Exchange

_WIDTH = 64  # bytes of a packet that are shown
_BEFORE = 8  # bytes shown before the first that differs


def describe(original: Exchange, found: Exchange) -> str:
    """Return packets, change and both results of a record, with the bytes where they begin to differ."""
    record = found.record
    head = (
        f"{found.scenario.name}, record {found.name} of seed {SEED}: {record.kind} packets by {record.way}, "
    )
    lines = [f"{head}change: {found.kind}"]
    if original.error or found.error:
        lines.append(f"  sending failed: {original.error!r}, {found.error!r}")
    lines += _both("seen", [original.seen], [found.seen])
    lines += _both("answered", [original.answer], [found.answer])
    lines += _both_left(original, found)
    return "\n".join(lines)


def _both_left(original: Exchange, found: Exchange) -> list[str]:
    lines = []
    first, second = original.comparable(), found.comparable()
    for number in range(max(len(first), len(second))):
        one, other = (items[number] if number < len(items) else ("", b"") for items in (first, second))
        places = one[0] if one[0] == other[0] else f"{one[0] or 'nowhere'}, {other[0] or 'nowhere'}"
        lines += _both(f"left {number} at {places}", [one[1]], [other[1]])
    return lines


def _both(what: str, first: Sequence[bytes | None], second: Sequence[bytes | None]) -> list[str]:
    lines = []
    for one, other in zip(first, second, strict=True):
        if one == other:
            lines.append(f"  {what}: {_text(one)}")
        else:
            place = _first_difference(one or b"", other or b"")
            lines.append(f"  {what}, over nfnetlink_queue: {_text(one, place)}")
            lines.append(f"  {what}, over Fast Queue:      {_text(other, place)}")
    return lines


def _first_difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (left, right) in pairs if left != right), min(len(one), len(other)))


def _text(data: bytes | None, place: int = 0) -> str:
    if data is None:
        return "none"
    if not data:
        return "nothing"
    more = ""
    if place > _WIDTH - _BEFORE:
        start = max(0, place - _BEFORE)
        more = f" ... from byte {start}: {data[start : start + _WIDTH // 2].hex()}"
    return f"{len(data)} bytes {data[:_WIDTH].hex()}{more}"
