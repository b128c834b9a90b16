# SPDX-License-Identifier: MIT
"""The kit's fuzz targets hold on their corpora and changes of them; see docs/fuzzing.md."""

from __future__ import annotations

import pytest

from tests import fuzzing
from tests.fuzzing import engine
from tests.fuzzing.kit import TARGETS


@fuzzing.long_enough
@pytest.mark.parametrize("target", TARGETS)
def test_targets_hold(target: str) -> None:
    count = engine.run(TARGETS[target], fuzzing.SEED, seconds=fuzzing.SECONDS)
    print(f"{target}: {count} inputs, seed {fuzzing.SEED}")
    assert count >= TARGETS[target].number
