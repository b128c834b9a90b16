# SPDX-License-Identifier: MIT
"""Fixtures of the tests of packet sources for libdaq."""

from __future__ import annotations

import pytest
from case_suite import COMMON, Suite
from daq_modules import COMPARED, OWN, PROGRAMS, daq_files, environment
from target_programs import install

from devkit.target.qemu import Target

_PLACE = "/run/daq"


@pytest.fixture(scope="session")
def _installed(target: Target) -> Target:
    install(target, _PLACE, COMMON, PROGRAMS, others=daq_files())
    return target


@pytest.fixture(scope="session")
def nfq(_installed: Target) -> Suite:
    """What runs cases with Debian's daq_nfq, over NFQUEUE or under fastqueue-run."""
    return Suite(_installed, _PLACE, COMPARED, environment=environment(_installed, "nfq", _PLACE))


@pytest.fixture(scope="session")
def fastqueue(_installed: Target) -> Suite:
    """What runs cases with daq_fastqueue."""
    suite = environment(_installed, "fastqueue", _PLACE)
    return Suite(_installed, _PLACE, COMPARED, OWN, environment=suite, under="")
