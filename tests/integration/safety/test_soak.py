# SPDX-License-Identifier: MIT
"""Many packets. FASTQUEUE_SOAK=10000000 makes it very many; then give pytest a --timeout to match."""

from collections.abc import Callable

import pytest

Passes = Callable[[], None]


@pytest.mark.case("soak.run")
def test_soak(passes: Passes) -> None:
    passes()
