# SPDX-License-Identifier: MIT
"""Fuzz targets hold on their corpora and some thousand changes of them; fuzz/README.md has longer runs."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from fastqueue import implementation

from .fuzz import engine

SECONDS = float(os.environ.get("FASTQUEUE_FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("FASTQUEUE_FUZZ_SEED", "2010"))
NUMBERS = {"rule_file": 4000, "any_expression": 3000, "expression": 12000, "packet": 8000, "five_tuple": 800}


@pytest.fixture
def implemented() -> None:
    """Run once: targets take both implementations."""


@pytest.mark.timeout(int(SECONDS) + 300)
@pytest.mark.parametrize("target", NUMBERS)
def test_targets_hold(target: str, accelerated: implementation.Implementation) -> None:
    count = engine.run(target, SEED, number=NUMBERS[target], seconds=SECONDS)
    print(f"{target}: {count} inputs, seed {SEED}")
    assert count >= NUMBERS[target]


def test_every_target_is_run() -> None:
    assert NUMBERS.keys() == engine.TARGETS.keys()


def _raises(data: bytes) -> None:
    assert b"(" not in data


def test_what_a_target_finds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Callable[[bytes], None]] = {**engine.TARGETS, "rule_file": _raises}
    monkeypatch.setattr(engine, "TARGETS", found)
    with pytest.raises(engine.FoundError, match=r"rule_file: AssertionError with [0-9a-f]+"):
        engine.run("rule_file", SEED, number=2000)
