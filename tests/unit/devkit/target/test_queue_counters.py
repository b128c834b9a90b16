# SPDX-License-Identifier: MIT
import dataclasses
from typing import Any

import pytest

from devkit.host.errors import KitError
from devkit.target import queue_counters
from devkit.target.shell import Result

HEADING = (
    "queue owner frames frame_size occupied processed received queued accepted dropped flushed timed_out "
    "default_accepted default_dropped invalid_words wakeups ticks truncated segmented refused over_memory "
    "period_us default_action flags\n"
)
LINE = "3 411 2048 2048 4 1 120 110 90 10 6 2 0 10 0 33 500 0 0 3 8 1000 drop 0x5\n"


def test_a_queue_is_read_by_the_columns_names() -> None:
    found = queue_counters.parse(HEADING + LINE)[3]
    assert (found.owner, found.received, found.queued, found.flushed) == (411, 120, 110, 6)
    assert (found.default_action, found.flags, found.by_default) == ("drop", 5, 10)
    assert (found.refused, found.over_memory) == (3, 8)
    found.check()


def test_no_queue_is_no_error() -> None:
    assert queue_counters.parse(HEADING) == {}


@pytest.mark.parametrize(
    "text", ["", "queue owner\n", HEADING + "3 411\n", HEADING + LINE.replace("411", "x")]
)
def test_another_format_is_refused(text: str) -> None:
    with pytest.raises(KitError) as caught:
        queue_counters.parse(text)
    assert caught.value.code == "FQ-COUNTERS"


@pytest.mark.parametrize(
    "change",
    [
        {"accepted": 91},
        {"occupied": 3},
        {"received": 121},
        {"default_dropped": 9},
        {"timed_out": 7},
        {"refused": 11},
        {"over_memory": 11},
    ],
)
def test_a_packet_that_is_nowhere_breaks_the_law(change: dict[str, int]) -> None:
    found = queue_counters.parse(HEADING + LINE)[3]
    with pytest.raises(AssertionError):
        dataclasses.replace(found, **change).check()  # type: ignore[arg-type]


class _Moments:
    """A target whose counters file reads differently each time; the last one stays."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)

    def run(self, _: list[str]) -> Result:
        line = self._lines.pop(0) if len(self._lines) > 1 else self._lines[0]
        return Result(0, (HEADING + line).encode())


LATER = LINE.replace(" 4 1 120 110 90 ", " 0 0 120 110 94 ")


def test_waiting_ends_when_it_is_so() -> None:
    target: Any = _Moments(LINE, LINE, LATER)
    assert queue_counters.wait(target, lambda now: not now.occupied, 3).accepted == 94


def test_waiting_ends_when_a_packet_is_nowhere() -> None:
    target: Any = _Moments(LINE, LATER.replace(" 94 ", " 95 "))
    with pytest.raises(AssertionError, match="queued is not accepted"):
        queue_counters.wait(target, lambda now: False, 3)


def test_waiting_ends_when_it_is_never_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_counters, "_PATIENCE", 0.0)
    target: Any = _Moments(LINE)
    with pytest.raises(AssertionError, match="does not come to that"):
        queue_counters.wait(target, lambda now: False, 3)
