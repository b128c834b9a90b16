# SPDX-License-Identifier: MIT
"""kmod/word.h against docs/abi.md, stated once more in Python's own numbers.

All 2**32 words are counted for one lap; the low eight bits, which are all but the lap, are tried
one by one with laps that are alike; hypothesis looks at the rest.
"""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .word_rules import (
    Answer,
    answer_valid,
    word_census,
    word_is_answer,
    word_is_plain,
    word_lap,
    word_plain_verdict,
    word_verdict,
)

#: Laps that differ in one bit, in all, or by one.
LAPS = sorted({0, 1, 2, 3, 255, 256, 0x555555, 0xAAAAAA, 0xFFFFFF, *(1 << bit for bit in range(24))})
WORDS = st.integers(0, 2**32 - 1)
ORDERS = range(3, 17)

# docs/abi.md


def parts(word: int) -> tuple[int, int, int, int]:
    """Lap, flags, verdict and state: 24, 3, 3 and 2 bits from the top."""
    rest, state = divmod(word, 4)
    rest, verdict = divmod(rest, 8)
    lap, flags = divmod(rest, 8)
    return lap, flags, verdict, state


def answers(word: int, lap: int) -> bool:
    """PROCESSED, the packet's lap, and drop, accept, queue or repeat."""
    own, _, verdict, state = parts(word)
    return state == 2 and own == lap and verdict in {0, 1, 3, 4}


def plain(word: int, lap: int) -> bool:
    """An answer without flags that accepts or drops."""
    return answers(word, lap) and parts(word)[1:3] in {(0, 0), (0, 1)}


def fits(word: int, length: int, flags: int, frame_size: int, changeable: bool) -> bool:
    """A changed payload: of a frame that may be changed, not empty, no longer than one, known flags."""
    changed = parts(word)[1] >= 4
    return not changed or (changeable and 1 <= length <= frame_size and flags in {0, 1, 2, 3})


def agrees(word: int, lap: int) -> None:
    """Compare one word, with the packet's lap."""
    assert word_is_answer(word, lap << 8) == answers(word, lap), (word, lap)
    assert word_is_plain(word ^ lap << 8) == plain(word, lap), (word, lap)
    assert word_verdict(word) == parts(word)[2]
    if plain(word, lap):
        assert word_plain_verdict(word) == parts(word)[2]


# the kernel's


def test_of_all_words_four_verdicts_with_any_flags_answer_and_two_are_plain() -> None:
    census = word_census(0x5A5A5A << 8)
    assert (census.answers, census.plain) == (4 * 8, 2)


@pytest.mark.parametrize("lap", LAPS)
def test_every_state_verdict_and_flag_with_laps_that_are_alike(lap: int) -> None:
    for own, low in product(LAPS, range(256)):
        agrees(own << 8 | low, lap)


@settings(max_examples=300)
@given(word=WORDS, lap=st.integers(0, 2**24 - 1))
def test_any_word_with_any_lap(word: int, lap: int) -> None:
    agrees(word, lap)
    agrees(word, word >> 8)
    agrees(word ^ 1 << lap % 32, word >> 8)


@settings(max_examples=300)
@given(
    word=WORDS,
    length=st.sampled_from([0, 1, 63, 64, 65, 2**16, 2**16 + 1, 2**31, 2**32 - 1]) | WORDS,
    flags=st.integers(0, 8) | st.integers(0, 2**16 - 1),
    frame_size=st.sampled_from([64, 2048, 2**16]),
    changeable=st.booleans(),
)
def test_arguments(word: int, length: int, flags: int, frame_size: int, changeable: bool) -> None:
    for each in (word, word | 0x80, word & ~0x80):
        for queue in (0, 2**16 - 1):  # every queue number that 16 bits hold is one
            answer = Answer(word, word, length, queue, flags)
            expected = fits(each, length, flags, frame_size, changeable)
            assert answer_valid(each, answer, frame_size, changeable) == expected


@settings(max_examples=300)
@given(
    count=st.sampled_from([0, 2**31, 2**32]) | WORDS, near=st.integers(-5, 5), order=st.sampled_from(ORDERS)
)
def test_laps(count: int, near: int, order: int) -> None:
    count, frames = (count + near) % 2**32, 2**order
    lap = word_lap(count, order)
    assert lap == count // frames % 2**24 * 256
    assert word_lap((count + frames) % 2**32, order) != lap


@pytest.mark.parametrize("order", ORDERS)
def test_an_answer_fits_the_frames_of_one_lap_only(order: int) -> None:
    """All frames of a lap have one word; the frames around it, also where counts wrap, have another."""
    frames = 2**order
    for first in (0, frames, 2**32 - frames):
        word = word_lap(first, order) | 2
        inside = [first, first + 1, first + frames - 1]
        outside = [first - frames, first - 1, first + frames, first + 2 * frames - 1]
        assert all(word_is_plain(word ^ word_lap(count % 2**32, order)) for count in inside)
        assert not any(word_is_plain(word ^ word_lap(count % 2**32, order)) for count in outside)
