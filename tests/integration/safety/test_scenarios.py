# SPDX-License-Identifier: MIT
"""The scenarios of the kernel's own nft_queue selftest, written anew for Fast Queue."""

from collections.abc import Callable

import pytest
from cases import each

Passes = Callable[[], None]


@pytest.mark.parametrize("case", each("scenarios"))
def test_scenarios(case: str, passes: Passes) -> None:
    passes()
