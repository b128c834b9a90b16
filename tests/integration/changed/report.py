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
    lines += _both("left", _placed(original), _placed(found))
    return "\n".join(lines)


def _placed(exchange: Exchange) -> list[bytes]:
    """What left, with its place as the first bytes."""
    return [place.encode() + b":" + data for place, data in exchange.comparable()]


def _both(what: str, first: Sequence[bytes | None], second: Sequence[bytes | None]) -> list[str]:
    lines = []
    for number in range(max(len(first), len(second))):
        one, other = (items[number] if number < len(items) else b"" for items in (first, second))
        if one == other:
            lines.append(f"  {what} {number}: {_text(one)}")
        else:
            place = _first_difference(one or b"", other or b"")
            lines.append(f"  {what} {number} over nfnetlink_queue: {_text(one, place)}")
            lines.append(f"  {what} {number} over Fast Queue:      {_text(other, place)}")
    return lines


def _first_difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (left, right) in pairs if left != right), min(len(one), len(other)))


def _text(data: bytes | None, place: int = 0) -> str:
    if data is None:
        return "none"
    if not data:
        return "nothing"
    name, _, rest = data.partition(b":") if data[:1].islower() else (b"", b"", data)
    label = f"{name.decode()} " if name else ""
    place -= len(data) - len(rest)
    more = ""
    if place > _WIDTH - _BEFORE:
        start = max(0, place - _BEFORE)
        more = f" ... from byte {start}: {rest[start : start + _WIDTH // 2].hex()}"
    return f"{label}{len(rest)} bytes {rest[:_WIDTH].hex()}{more}"
