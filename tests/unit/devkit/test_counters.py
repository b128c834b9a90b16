# SPDX-License-Identifier: MIT
import dataclasses

import pytest

from devkit import counters
from devkit.errors import KitError

HEADING = (
    "queue owner frames frame_size occupied processed received queued accepted dropped flushed timed_out "
    "default_accepted default_dropped invalid_words wakeups ticks truncated segmented period_us "
    "default_action flags\n"
)
LINE = "3 411 2048 2048 4 1 120 110 90 10 6 2 0 10 0 33 500 0 0 1000 drop 0x5\n"


def test_a_queue_is_read_by_the_columns_names() -> None:
    found = counters.parse(HEADING + LINE)[3]
    assert (found.owner, found.received, found.queued, found.flushed) == (411, 120, 110, 6)
    assert (found.default_action, found.flags, found.by_default) == ("drop", 5, 10)
    found.check()


def test_no_queue_is_no_error() -> None:
    assert counters.parse(HEADING) == {}


@pytest.mark.parametrize(
    "text", ["", "queue owner\n", HEADING + "3 411\n", HEADING + LINE.replace("411", "x")]
)
def test_another_format_is_refused(text: str) -> None:
    with pytest.raises(KitError) as caught:
        counters.parse(text)
    assert caught.value.code == "FQ-COUNTERS"


@pytest.mark.parametrize(
    "change", [{"accepted": 91}, {"occupied": 3}, {"received": 121}, {"default_dropped": 9}, {"timed_out": 7}]
)
def test_a_packet_that_is_nowhere_breaks_the_law(change: dict[str, int]) -> None:
    found = counters.parse(HEADING + LINE)[3]
    with pytest.raises(AssertionError):
        dataclasses.replace(found, **change).check()  # type: ignore[arg-type]
