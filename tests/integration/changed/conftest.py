# SPDX-License-Identifier: MIT
"""Fixtures of the tests of changed packets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from exchanges import Exchange, Path_, run

from devkit.target import Target

Exchanges = Callable[[Path_], dict[str, list[Exchange]]]


@pytest.fixture(scope="session")
def exchanges(target: Target) -> Exchanges:
    """Return what a path did with all records; each path runs once per session."""
    done: dict[str, dict[str, list[Exchange]]] = {}

    def get(path: Path_) -> dict[str, list[Exchange]]:
        if path.name not in done:
            done[path.name] = run(target, path)
        return done[path.name]

    return get
