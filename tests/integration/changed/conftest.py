# SPDX-License-Identifier: MIT
"""Fixtures of the tests of changed packets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from exchanges import Exchange, Exchanges, Path_, run

from devkit.target.qemu import Target


def _keeping(target: Target, handmade: bool, key: Callable[[Exchange], str]) -> Exchanges:
    done: dict[str, dict[str, list[Exchange]]] = {}

    def get(path: Path_) -> dict[str, list[Exchange]]:
        if path.name not in done:
            found = done[path.name] = {}
            for exchange in run(target, path, handmade=handmade):
                found.setdefault(key(exchange), []).append(exchange)
        return done[path.name]

    return get


@pytest.fixture(scope="session")
def exchanges(target: Target) -> Exchanges:
    """Return what a path did with the generated records, by scenario; each path runs once per session."""
    return _keeping(target, False, lambda exchange: exchange.scenario.name)


@pytest.fixture(scope="session")
def handmade(target: Target) -> Exchanges:
    """Return what a path did with the records made by hand, by name; each path runs once per session."""
    return _keeping(target, True, lambda exchange: exchange.name)
