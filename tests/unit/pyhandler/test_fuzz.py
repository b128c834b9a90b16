# SPDX-License-Identifier: MIT
"""The package's fuzz targets hold on their corpora and some thousand changes of them; see docs/fuzzing.md."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastqueue import backend

from tests import fuzzing
from tests.fuzzing import engine

from .fuzz.targets import TARGETS


@pytest.fixture
def implemented() -> None:
    """Run once: targets take both implementations."""


@fuzzing.long_enough
@pytest.mark.parametrize("target", TARGETS)
def test_targets_hold(target: str, accelerated: backend.Implementation) -> None:
    count = engine.run(TARGETS[target], fuzzing.SEED, seconds=fuzzing.SECONDS)
    print(f"{target}: {count} inputs, seed {fuzzing.SEED}")
    assert count >= TARGETS[target].number


def rule_file(data: bytes) -> None:
    assert b"(" not in data


def test_what_a_target_finds_is_told() -> None:
    target = replace(TARGETS["rule_file"], function=rule_file)
    with pytest.raises(engine.FoundError, match=r"rule_file: AssertionError with [0-9a-f]+"):
        engine.run(target, fuzzing.SEED, number=2000)
