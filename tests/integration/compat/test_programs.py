# SPDX-License-Identifier: MIT
"""Programs that were made for NFQUEUE, unchanged, over nfnetlink_queue and under fastqueue-run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from _pytest.mark import ParameterSet
from case_suite import Suite
from real_programs import REAL

from devkit.target import kernel_modules

_NETLINK = "speaks netlink by itself; served over /dev/fastqueue with each packet copied once more"
_STATIC = "linked statically; if it speaks netlink, it does so by itself, and not over /dev/fastqueue"
#: What cannot be the same: the results over Fast Queue.
DIFFERENT = {
    "builder_cases.what_the_library_says": [["said", [f"fastqueue: builder: {_NETLINK}"]], ["status", 0]],
    "builder_cases.a_static_program": [
        ["ended", 0],
        ["said", [f"fastqueue-run: ./static: {_STATIC}", "ran"]],
        ["status", 0],
    ],
}
#: What the programs must do at all, over either path.
DONE = {
    "netfilterqueue_cases.accept_and_drop": ["arrived", [0, 1, 3, 4, 6, 7]],
    "netfilterqueue_cases.payload": ["arrived", ["plain", "shorter", "long " * 400, "", "last"]],
    "netfilterqueue_cases.mark": ["arrived", [0, 1, 3, 4]],
    "netfilterqueue_cases.repeat": ["arrived", [0, 1, 2]],
    "dhcp_cases.options_put_in": ["with the option", [True]],
    "dhcp_cases.options_exchanged": ["with the option", [True, True]],
    "example_cases.packets": ["arrived 60000", [60004]],
    "builder_cases.words": [
        "arrived",
        ["plain", "mark 8", "short", "longer " * 20, "batch", "batch", "end", "quit"],
    ],
}


def _cases() -> Iterator[ParameterSet]:
    """All cases; fnfqueue is there for Debian's CPython only."""
    for name in (name for suite in REAL for name in suite.names()):
        marks = [pytest.mark.debian_base] if name.startswith("fnfqueue") else []
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("case", list(_cases()))
def test_a_program_does_the_same(real: Suite, case: str) -> None:
    original = real.results(kernel_modules.NFQUEUE, case)
    assert original[-1] == ["status", 0], "the case itself fails over the original"
    assert real.results(kernel_modules.FASTQUEUE, case) == DIFFERENT.get(case, original)


@pytest.mark.parametrize("case", sorted(DONE))
def test_a_program_does_its_work(real: Suite, case: str) -> None:
    assert DONE[case] in real.results(kernel_modules.FASTQUEUE, case)
