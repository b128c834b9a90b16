# SPDX-License-Identifier: MIT
"""Find out which of many literals may be in a packet's contents, in one pass: a filter of q-grams.

Of each literal ``step + 3`` bytes count. Wherever they are in some contents, four of them (a q-gram, q = 4)
begin at one of the places 0, ``step``, 2 ``step`` and so on. The contents' q-grams at these places are looked
up in a set of the literals' own.

Before that, contents shrink: bytes that no literal has are taken out, and so are bytes without which all
literals are long enough still. What is left of a literal is in one piece.
"""

from __future__ import annotations

import string
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping

_Q = 4
_SPARE = 5  # bytes of a literal's end among which those to do without are chosen
_COMMON = b" etaoinsr"  # in text
_LOWER = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())


def shortest(step: int) -> int:
    """Return how long a literal must be."""
    return step + _Q - 1


class Qgrams:
    """Literals by their numbers, each ``shortest(step)`` bytes or longer.

    step:        1, 2 or a multiple of 4; a pass takes the less the larger it is
    ignore_case: of ASCII letters
    """

    def __init__(self, literals: Mapping[int, bytes], step: int, ignore_case: bool) -> None:
        table = _LOWER if ignore_case else bytes(range(256))
        folded = {number: literal.translate(table) for number, literal in literals.items()}
        self._step = step
        self._numbers: dict[int, set[int]] = defaultdict(set)
        kept: set[int] = set()
        for number, end in _shortened(folded, shortest(step)).items():
            kept.update(end)
            for place in range(step):
                self._numbers[int.from_bytes(end[place : place + _Q], sys.byteorder)].add(number)
        self._qgrams = frozenset(self._numbers)
        self._table = table if ignore_case else None
        self._unused = bytes(byte for byte in range(256) if table[byte] not in kept)

    def find(self, contents: memoryview) -> set[int]:
        """Return the numbers of all literals that are in the contents, and of a few more at times."""
        kept = contents.tobytes().translate(self._table, self._unused)
        view = memoryview(kept)
        found: set[int] = set()
        for shift in range(0, min(_Q, len(kept) - _Q + 1), self._step):
            words = view[shift : len(kept) - (len(kept) - shift) % _Q].cast("I")
            stride = words[:: self._step // _Q] if self._step > _Q else words
            for qgram in self._qgrams.intersection(stride.tolist()):
                found |= self._numbers[qgram]
        return found


def _shortened(literals: dict[int, bytes], least: int) -> dict[int, bytes]:
    """Return the ends of literals without bytes that all can do without: common ones, then those of few.

    Each is ``least`` bytes or longer afterwards. What is far from the end often begins other contents too.
    """
    ends = {number: literal[-least - _SPARE :] for number, literal in literals.items()}
    found = Counter(byte for end in ends.values() for byte in set(end))
    for byte in (*_COMMON, *sorted(found, key=lambda byte: (found[byte], byte))):
        shorter = {number: end.replace(bytes([byte]), b"") for number, end in ends.items()}
        if all(len(end) >= least for end in shorter.values()):
            ends = shorter
    return {number: end[-least:] for number, end in ends.items()}
