# SPDX-License-Identifier: MIT
"""Programs that several of these tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

from .compat_programs import build
from .sanitized import HERE, compat_library

_PARTS = ("", "_handle", "_sockets", "_packets", "_exchanges", "_handles", "_signals", "_descriptors")


@pytest.fixture(scope="session")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program of compat_calls.c, with the whole compatibility library."""
    parts = [HERE / f"compat_calls{part}.c" for part in _PARTS]
    made = tmp_path_factory.mktemp("compat") / "calls"
    return build(made, *parts, HERE / "compat_device.c", *compat_library())
