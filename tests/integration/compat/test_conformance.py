# SPDX-License-Identifier: MIT
"""The same calls over nfnetlink_queue with the original library, and over /dev/fastqueue with ours."""

from __future__ import annotations

import pytest
from case_suite import Suite
from conformance import CALLS

from devkit.target import kernel_modules

#: What cannot be the same; docs/compat.md says why. The results over Fast Queue stand here.
DIFFERENT = {
    "netlink.queue_of_another_socket": [["mode", [52, 2, 0, -19]], ["status", 0]],
    "handles.conntrack": [["on", [-1, "ENOTSUP"]], ["status", 0]],
}


@pytest.mark.parametrize("case", CALLS.names())
def test_results_are_the_same(suite: Suite, case: str) -> None:
    original = suite.results(kernel_modules.NFQUEUE, case)
    assert original[-1] == ["status", 0], "the case itself fails over the original"
    assert suite.results(kernel_modules.FASTQUEUE, case) == DIFFERENT.get(case, original)


@pytest.mark.parametrize("case", sorted(DIFFERENT))
def test_differences_are_real(suite: Suite, case: str) -> None:
    assert suite.results(kernel_modules.NFQUEUE, case) != DIFFERENT[case]
