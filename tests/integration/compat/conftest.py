# SPDX-License-Identifier: MIT
"""Fixtures of the compatibility library's tests."""

from __future__ import annotations

import pytest
from case_suite import COMMON, Suite
from conformance import CALLS, PROGRAMS
from real_programs import REAL, SOURCES, real_programs
from target_programs import install

from devkit.target.qemu import Target


@pytest.fixture(scope="session")
def suite(target: Target) -> Suite:
    """What runs the suite of calls; results are kept for the session."""
    install(target, "/run/compat", COMMON, PROGRAMS)
    return Suite(target, "/run/compat", CALLS)


@pytest.fixture(scope="session")
def real(target: Target) -> Suite:
    """What runs programs that were made for NFQUEUE; results are kept for the session."""
    install(target, "/run/real", COMMON, SOURCES, others=real_programs())
    return Suite(target, "/run/real", *REAL)
