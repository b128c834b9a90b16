# SPDX-License-Identifier: MIT
"""The scenarios of the kernel's own nft_queue selftest, written anew for Fast Queue."""

from collections.abc import Callable

import pytest
from cases import each

Passes = Callable[[], None]


@pytest.mark.parametrize("case", each("scenarios"))
def test_scenarios(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("local_tcp"))
def test_tcp_of_a_host_with_itself(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("sctp"))
def test_sctp(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("vrf"))
def test_vrf(case: str, passes: Passes) -> None:
    passes()
