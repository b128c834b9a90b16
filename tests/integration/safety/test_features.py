# SPDX-License-Identifier: MIT
"""What a handler may ask for: verdicts, changes, hooks, segments, other rings."""

from collections.abc import Callable

import pytest
from cases import each

Passes = Callable[[], None]


@pytest.mark.parametrize("case", each("verdicts"))
def test_verdicts(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("changes"))
def test_changed_packets(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("completion"))
def test_what_the_kernel_adds_to_changed_packets(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("rederived"))
def test_what_the_stack_derives_again(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("trusted"))
def test_what_the_stack_has_checked(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("paths"))
def test_paths(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("segments"))
def test_segments(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("seen"))
def test_what_can_be_seen(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("log_lines"))
def test_what_the_kernel_logs(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("bridged_ip"))
def test_ip_rules_on_a_bridge(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("tracked"))
def test_connection_tracking(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("resizing"))
def test_changes_of_a_live_queue(case: str, passes: Passes) -> None:
    passes()


@pytest.mark.parametrize("case", each("waiting"))
def test_waiting(case: str, passes: Passes) -> None:
    passes()
