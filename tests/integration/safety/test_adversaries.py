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


@pytest.mark.parametrize("case", each("shares"))
def test_shares(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("contents"))
def test_contents_that_change(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", [case for case in each("shortage") if case.values != ("injected",)])
def test_shortage(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.debug_kernel
@pytest.mark.case("shortage.injected")
def test_allocations_that_fail(passes: Passes) -> None:
    """One after the other, by the kernel's fault injection; limits do it on other kernels (test_shortage)."""
    passes()


@pytest.mark.parametrize("case", each("foreign"))
def test_packets_of_other_namespaces(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("gone"))
def test_what_goes_while_packets_are_queued(case: str, passes: Passes) -> None:
    passes()
