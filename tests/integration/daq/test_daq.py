# SPDX-License-Identifier: MIT
"""libdaq's public calls: daq_nfq over both paths, and daq_fastqueue, which does the same."""

from __future__ import annotations

import pytest
from case_suite import Suite
from daq_modules import COMPARED, OWN

from devkit.target import kernel_modules


@pytest.mark.parametrize("case", COMPARED.names())
def test_daq_nfq_does_the_same_over_fast_queue(nfq: Suite, case: str) -> None:
    original = nfq.results(kernel_modules.NFQUEUE, case)
    assert original[-1] == ["status", 0], "the case itself fails over NFQUEUE"
    assert nfq.results(kernel_modules.FASTQUEUE, case) == original


@pytest.mark.parametrize("case", COMPARED.names())
def test_daq_fastqueue_does_the_same(nfq: Suite, fastqueue: Suite, case: str) -> None:
    assert fastqueue.results(kernel_modules.FASTQUEUE, case) == nfq.results(kernel_modules.NFQUEUE, case)


@pytest.mark.parametrize("case", OWN.names())
def test_daq_fastqueue_by_itself(fastqueue: Suite, case: str) -> None:
    assert fastqueue.results(kernel_modules.FASTQUEUE, case) == [["status", 0]]
