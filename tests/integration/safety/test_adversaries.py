# SPDX-License-Identifier: MIT
"""Handlers that write what they like, map what they may not, and ask for what there is not."""

from collections.abc import Callable

import pytest
from cases import each

Passes = Callable[[], None]


@pytest.mark.parametrize("case", each("scribble"))
def test_scribbling(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("mapping"))
def test_mapping(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("fields"))
def test_fields_of_the_abi(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("limits"))
def test_memory(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("gone"))
def test_what_goes_while_packets_are_queued(case: str, passes: Passes) -> None:
    passes()
