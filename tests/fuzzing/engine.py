# SPDX-License-Identifier: MIT
"""Inputs for targets in Python: corpora and changes of them, the same in every run with the same seed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Target:
    """A function of bytes that raises if something is wrong.

    name:     of the target, and of its folder in ``corpora``
    number:   inputs in a run of the suite
    choices:  takes decisions from bytes, so that any bytes are good
    words:    bytes that inputs are likely to have
    """

    function: Callable[[bytes], None]
    corpora: Path
    number: int
    choices: bool = False
    words: tuple[bytes, ...] = _INTERESTING

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    def corpus(self) -> list[bytes]:
        """Return the inputs that are kept, in a fixed order."""
        return [path.read_bytes() for path in sorted((self.corpora / self.name).iterdir())]


class FoundError(AssertionError):
    """A target raised; the text has the input."""


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """Yield the corpus, then changed inputs without end."""
    kept = target.corpus()
    yield from kept
    changes = _Changes(random.Random(seed), kept, target.words)
    while True:
        fresh = changes.chance.random() < (0.7 if target.choices else 0.1)
        yield changes.fresh() if fresh else changes.changed()


def run(target: Target, seed: int, *, number: int | None = None, seconds: float = 0) -> int:
    """Give a target so many inputs, and more until the time is over; return how many. Raises FoundError."""
    wanted = target.number if number is None else number
    end = time.monotonic() + seconds
    count = 0
    for data in inputs(target, seed):
        if count >= wanted and time.monotonic() >= end:
            break
        try:
            target.function(data)
        except Exception as error:
            found = f"{target.name}: {type(error).__name__} with {data.hex()}: {error}"
            raise FoundError(found) from error
        count += 1
    return count


class _Changes:
    """Changed inputs."""

    def __init__(self, chance: random.Random, kept: list[bytes], words: tuple[bytes, ...]) -> None:
        self.chance = chance
        self._kept = kept
        self._words = words
        self._ways = (
            self._flip,
            self._replace,
            self._replace,
            self._insert,
            self._remove,
            self._repeat,
            self._cross,
        )

    def fresh(self) -> bytes:
        """Return bytes of no input's."""
        return self.chance.randbytes(self.chance.randint(0, 300))

    def changed(self) -> bytes:
        """Return an input of the corpus with one or more changes."""
        data = bytearray(self.chance.choice(self._kept))
        for _ in range(1 << self.chance.randint(0, 4)):
            self.chance.choice(self._ways)(data)
        return bytes(data[:_MOST_BYTES])

    def _place(self, data: bytearray) -> int:
        return self.chance.randint(0, len(data))

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self.chance.randrange(len(data))] ^= 1 << self.chance.randrange(8)

    def _replace(self, data: bytearray) -> None:
        if data:
            data[self.chance.randrange(len(data))] = self.chance.randrange(256)

    def _insert(self, data: bytearray) -> None:
        place = self._place(data)
        data[place:place] = self.chance.choice(self._words)

    def _remove(self, data: bytearray) -> None:
        place = self._place(data)
        del data[place : place + self.chance.randint(1, 8)]

    def _repeat(self, data: bytearray) -> None:
        place = self._place(data)
        piece = data[place : place + self.chance.randint(1, 16)]
        data[place:place] = piece * self.chance.randint(1, 20)

    def _cross(self, data: bytearray) -> None:
        other = self.chance.choice(self._kept)
        data[self._place(data) :] = other[self.chance.randint(0, len(other)) :]
