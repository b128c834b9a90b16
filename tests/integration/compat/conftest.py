# SPDX-License-Identifier: MIT
"""Fixtures of the compatibility library's tests."""

from __future__ import annotations

import pytest
from conformance import CALLS, PROGRAMS, Suite
from real_programs import REAL, real_programs
from target_programs import install

from devkit.target import Target


@pytest.fixture(scope="session")
def suite(target: Target) -> Suite:
    """What runs the suite of calls; results are kept for the session."""
    install(target, PROGRAMS, "/run/compat")
    return Suite(target, "/run/compat", CALLS)


@pytest.fixture(scope="session")
def real(target: Target) -> Suite:
    """What runs programs that were made for NFQUEUE; results are kept for the session."""
    cases = {path.name: path for suite in REAL for path in suite.folder.glob("*.py")}
    install(target, PROGRAMS, "/run/real", {**cases, **real_programs()})
    return Suite(target, "/run/real", *REAL)
