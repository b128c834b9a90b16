# SPDX-License-Identifier: MIT
"""What all fuzz targets share: how long they run, engine, decisions from bytes. See docs/fuzzing.md."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])

#: Seconds for each target, and the seed; 0 seconds: each target has a number of inputs of its own.
SECONDS = float(os.environ.get("FASTQUEUE_FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("FASTQUEUE_FUZZ_SEED", "2010"))


def long_enough(function: Test) -> Test:
    """Mark a test of fuzz targets: ``pytest -m fuzz`` selects it, its time limit follows SECONDS."""
    marked: Test = pytest.mark.fuzz(pytest.mark.timeout(int(SECONDS) + 300)(function))
    return marked
