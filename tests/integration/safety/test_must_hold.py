# SPDX-License-Identifier: MIT
"""The eight points of what must hold, a test each."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from devkit.host.paths import PROJECT
from devkit.target.qemu import Target

KMOD = PROJECT / "kmod"
Passes = Callable[[], None]


@pytest.mark.case("must_hold.trust", "scribble.areas")
def test_1_the_kernel_trusts_nothing_that_user_space_writes(passes: Passes) -> None:
    passes()


@pytest.mark.case("must_hold.late_verdicts")
def test_2_a_late_verdict_never_applies_to_another_packet(passes: Passes) -> None:
    passes()


@pytest.mark.case("must_hold.words")
def test_3_words_lie_together_and_are_answered_by_one_store(passes: Passes) -> None:
    passes()


@pytest.mark.case("must_hold.sleep", "must_hold.timer_only")
def test_4_woken_only_if_it_sleeps_and_sent_when_it_goes_to_sleep(passes: Passes) -> None:
    passes()


@pytest.mark.case("must_hold.order", "must_hold.unordered")
def test_5_packets_leave_in_order_and_a_lost_verdict_is_settled(passes: Passes) -> None:
    passes()


@pytest.mark.case("must_hold.conservation")
def test_6_everything_that_enters_leaves(passes: Passes) -> None:
    passes()


@pytest.mark.case("must_hold.leaks", "gone.killed", "gone.interface", "gone.namespace", "gone.rules")
def test_7_nothing_leaks_hangs_or_crashes(passes: Passes) -> None:
    passes()


def test_8_one_source_for_all_kernels(target: Target) -> None:
    """No version is asked for; each feature that code asks for is one that Kbuild looks for, and back."""
    sources = {path: path.read_text() for path in sorted(KMOD.glob("*.[ch]"))}
    versions = [
        path.name for path, text in sources.items() if re.search(r"KERNEL_VERSION|VERSION_CODE", text)
    ]
    assert not versions
    used = {name for text in sources.values() for name in re.findall(r"\bFQ_HAVE_(\w+)", text)}
    kbuild = (KMOD / "Kbuild").read_text()
    looked_for = set(re.findall(r"(?:call fq-has,.*,|-DFQ_HAVE_)(\w+)", kbuild))
    assert used == looked_for
    release = target.run(["uname", "-r"]).output.strip()
    assert f"/{release}/" in target.run("modinfo -n fastqueue 2>/dev/null || modinfo fastqueue").output
