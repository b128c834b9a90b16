# SPDX-License-Identifier: MIT
"""Inputs for a target: its corpus and changes of it, the same in every run with the same seed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from . import packets, rules

CORPUS = Path(__file__).parent / "corpus"
TARGETS: dict[str, Callable[[bytes], None]] = {
    "rule_file": rules.rule_file,
    "any_expression": rules.any_expression,
    "expression": rules.expression,
    "packet": packets.packet,
    "five_tuple": packets.five_tuple,
}
#: Targets that take decisions from bytes, for which any bytes are good.
_OF_CHOICES = ("expression", "five_tuple")
_MOST_BYTES = 4096
_INTERESTING = (
    b"\0",
    b"\xff",
    b"\n",
    b"/",
    b"{",
    b"}",
    b"(?",
    b")*",
    b"65535",
    b"4294967296",
    b"\xed\xa0\x80",
    b"\\x",
)


class FoundError(AssertionError):
    """A target raised; the text has the input."""


def corpus(target: str) -> list[bytes]:
    """Return the inputs that are kept for a target, in a fixed order."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def inputs(target: str, seed: int) -> Iterator[bytes]:
    """Yield the corpus, then changed inputs without end."""
    kept = corpus(target)
    yield from kept
    chance = random.Random(seed)
    while True:
        fresh = chance.random() < (0.7 if target in _OF_CHOICES else 0.1)
        yield chance.randbytes(chance.randint(0, 300)) if fresh else _changed(chance, kept)


def run(target: str, seed: int, *, number: int = 0, seconds: float = 0) -> int:
    """Give a target so many inputs, or as many as the time allows; return how many. Raises FoundError."""
    function = TARGETS[target]
    end = time.monotonic() + seconds
    count = 0
    for data in inputs(target, seed):
        if count >= number and time.monotonic() >= end:
            break
        try:
            function(data)
        except Exception as error:
            raise FoundError(f"{target}: {type(error).__name__} with {data.hex()}: {error}") from error
        count += 1
    return count


def _changed(chance: random.Random, kept: list[bytes]) -> bytes:
    data = bytearray(chance.choice(kept))
    for _ in range(1 << chance.randint(0, 4)):
        chance.choice(_CHANGES)(chance, data, kept)
    return bytes(data[:_MOST_BYTES])


def _place(chance: random.Random, data: bytearray) -> int:
    return chance.randint(0, len(data))


def _flip(chance: random.Random, data: bytearray, kept: list[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _replace(chance: random.Random, data: bytearray, kept: list[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _insert(chance: random.Random, data: bytearray, kept: list[bytes]) -> None:
    place = _place(chance, data)
    data[place:place] = chance.choice(_INTERESTING)


def _remove(chance: random.Random, data: bytearray, kept: list[bytes]) -> None:
    place = _place(chance, data)
    del data[place : place + chance.randint(1, 8)]


def _repeat(chance: random.Random, data: bytearray, kept: list[bytes]) -> None:
    place = _place(chance, data)
    data[place:place] = data[place : place + chance.randint(1, 16)] * chance.randint(1, 20)


def _cross(chance: random.Random, data: bytearray, kept: list[bytes]) -> None:
    other = chance.choice(kept)
    data[_place(chance, data) :] = other[chance.randint(0, len(other)) :]


_CHANGES = (_flip, _replace, _replace, _insert, _remove, _repeat, _cross)
