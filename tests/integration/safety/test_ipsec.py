# SPDX-License-Identifier: MIT
"""Packets of IPsec and Mobile IPv6, which only the debug kernels have."""

from collections.abc import Callable

import pytest
from cases import each

Passes = Callable[[], None]


@pytest.mark.debug_kernel
@pytest.mark.parametrize("case", each("ipsec"))
def test_ipsec(case: str, passes: Passes) -> None:
    passes()
