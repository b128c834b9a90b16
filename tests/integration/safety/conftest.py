# SPDX-License-Identifier: MIT
"""Fixtures of the safety tests.

A test names its cases with ``@pytest.mark.case("module.function")``; those are functions of
``programs/`` that run in the target. ``FASTQUEUE_SEED`` gives them other random numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cases import Runner

from devkit.target.qemu import Target


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "case(name...): cases of programs/ that the test runs in the target")


def _wanted(item: pytest.Item) -> list[str]:
    return [name for marker in item.iter_markers("case") for name in marker.args]


@pytest.fixture(scope="session")
def runner(request: pytest.FixtureRequest, target: Target) -> Runner:
    """What runs cases; it knows which of them are selected."""
    return Runner(target, [name for item in request.session.items for name in _wanted(item)])


@pytest.fixture
def passes(runner: Runner, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Call it: fails unless all cases that the test names hold."""

    def check() -> None:
        for name in _wanted(request.node):
            runner.check(name)

    return check
