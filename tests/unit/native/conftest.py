# SPDX-License-Identifier: MIT
"""Programs that several of these tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

from .compat_programs import build
from .sanitized import HERE, compat_library


@pytest.fixture(scope="session")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program of compat_calls.c, with the whole compatibility library."""
    parts = sorted(HERE.glob("compat_calls*.c"))
    made = tmp_path_factory.mktemp("compat") / "calls"
    return build(made, *parts, HERE / "compat_device.c", *compat_library())
