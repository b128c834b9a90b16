# SPDX-License-Identifier: MIT
"""Fixtures of the compatibility library's tests."""

from __future__ import annotations

import pytest
from conformance import Suite

from devkit.target import Target


@pytest.fixture(scope="session")
def suite(target: Target) -> Suite:
    """What runs the suite of calls; results are kept for the session."""
    return Suite(target)
