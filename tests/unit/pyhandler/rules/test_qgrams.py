# SPDX-License-Identifier: MIT
"""The filter of q-grams names every literal that is there, wherever it is, and hardly another."""

from __future__ import annotations

import random

import pytest
from fastqueue.rules.qgrams import Qgrams, shortest

STEPS = (1, 2, 4, 8)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("contents_before", [b"", b"zz", b"\0\xff", b"wormz", b"no such"])
def test_a_literal_is_found_at_every_place(step: int, contents_before: bytes) -> None:
    literal = b"worm-http/x"[: shortest(step)]
    qgrams = Qgrams({7: literal, 8: b"another one"}, step, False)
    for place in range(20):
        for behind in range(5):
            contents = contents_before + b"t" * place + literal + b"\r" * behind
            assert qgrams.find(memoryview(contents)) == {7}


def test_only_the_end_of_a_literal_counts() -> None:
    qgrams = Qgrams({0: b"Content-Type: evil/bin"}, 4, False)
    assert qgrams.find(memoryview(b"Content-Type: text/html")) == set()
    assert qgrams.find(memoryview(b"Content-Type: evil/bin")) == {0}


def test_several_are_found_and_shared_ends_name_all() -> None:
    qgrams = Qgrams({1: b"evil.example", 2: b"control.example", 3: b"/etc/shadow"}, 4, False)
    assert qgrams.find(memoryview(b"GET /etc/shadow HTTP/1.1\r\nHost: evil.example\r\n")) == {1, 2, 3}


@pytest.mark.parametrize("ignore_case", [False, True])
def test_case_is_that_of_ascii_letters(ignore_case: bool) -> None:
    qgrams = Qgrams({0: b"/Shadow\xc0Pass", 1: b"\xc0" * 9}, 4, ignore_case)
    assert qgrams.find(memoryview(b"/Shadow\xc0Pass")) == {0}
    assert qgrams.find(memoryview(b"/sHADOW\xc0pASS")) == ({0} if ignore_case else set())
    assert qgrams.find(memoryview(b"\xe0" * 9)) == set()


@pytest.mark.parametrize("step", STEPS)
def test_short_contents_and_no_literals(step: int) -> None:
    for length in range(12):
        assert Qgrams({}, step, False).find(memoryview(bytes(length))) == set()
        assert Qgrams({0: b"abcdefghijk"}, step, True).find(memoryview(b"abcdefghijk"[:length])) <= {0}


@pytest.mark.parametrize("step", STEPS)
def test_random_contents_name_hardly_any(step: int) -> None:
    chance = random.Random(step)
    literals = {number: chance.randbytes(12) for number in range(50)}
    qgrams = Qgrams(literals, step, False)
    assert not any(qgrams.find(memoryview(chance.randbytes(1372))) for _ in range(20))
