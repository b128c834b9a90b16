# SPDX-License-Identifier: MIT
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devkit.bench.fairness import cases, measure, summary, tables
from devkit.bench.guest.fairness.share import Answers
from devkit.bench.report import html
from devkit.bench.results import compare
from devkit.bench.results.results import Results
from devkit.bench.results.store import Store
from devkit.host.errors import KitError
from devkit.target.qemu import Target


class Answered:
    """A queue that notes which frames are answered."""

    frames = 65_536

    def __init__(self) -> None:
        self.counts: list[int] = []

    def answer(self, count: int) -> None:
        self.counts.append(count)


def window(counted: int, process_ns: int, elapsed_ns: int = 1_000_000) -> dict[str, int]:
    return {"counted": counted, "process_ns": process_ns, "elapsed_ns": elapsed_ns}


def share(counted: int, process_ns: int) -> dict[str, Any]:
    """A result beside which an empty queue takes 1 % in wake-ups and 2 % in its process."""
    return {
        "label": "some", "packets": 65_536, "queues": [{"ticks": 7}, {"ticks": 3}],
        "alone": window(10_000, 0), "empty": window(9_700, 20_000), "full": window(counted, process_ns),
    }  # fmt: skip


def pause(name: str, longest_ns: int) -> dict[str, Any]:
    return {"name": name, "packets": 65_536, "left": 0, "took_ns": 100_000_000, "longest_ns": longest_ns}


@pytest.fixture
def measured(nothing: Results) -> Results:
    unanswered, answered = cases.LOADS[:2]
    raw = {
        unanswered.key: share(9_200, 30_000),
        answered.key: share(8_000, 120_000),
        cases.pause_key("resize"): pause("resize", 400_000),
        cases.pause_key("close, drop"): pause("close, drop", 1_100_000),
    }
    return Results({**nothing.content, "results": raw})


def test_what_is_taken_is_neither_the_process_nor_what_an_empty_queue_costs() -> None:
    assert summary.share(share(9_200, 30_000)).taken == pytest.approx(8 - 3 - 1)
    assert summary.share(share(9_200, 30_000)).process == pytest.approx(3)


def test_a_longer_window_counts_for_its_length() -> None:
    result = share(0, 0) | {"full": window(19_400, 40_000, 2_000_000)}
    assert summary.share(result).taken == pytest.approx(0)


def test_each_figure_stands_beside_its_bound(measured: Results) -> None:
    shares, pauses = tables.share_table(measured), tables.pause_table(measured)
    assert shares
    assert pauses
    assert shares.lines[0] == ("nothing answered", "65,536", "10", "3.00", "4.00", "≤ 5", "reached")
    assert shares.lines[1][-3:] == ("7.00", "≤ 5", "not reached")
    assert [line[-3:] for line in pauses.lines] == [
        ("0.40", "≤ 1", "reached"),
        ("1.10", "≤ 1", "not reached"),
    ]


def test_the_report_and_a_comparison_have_the_figures(measured: Results) -> None:
    assert "Processor taken by unprivileged queues" in html.page(measured)
    changes = {change.key: change for change in compare.changes(measured, measured)}
    assert changes["fairness/share/unanswered"].new == pytest.approx(4)
    assert changes["fairness/pause/close-drop"].new == pytest.approx(1.1)
    assert not compare.unread(measured)


def test_a_run_without_the_part_says_nothing_of_it(nothing: Results) -> None:
    assert tables.share_table(nothing) is None
    assert tables.pause_table(nothing) is None
    assert "Pauses of other" not in html.page(nothing)


def test_what_an_interrupted_run_has_is_not_measured_again(tmp_path: Path, measured: Results) -> None:
    store = Store(tmp_path / "bench.json", measured.content)
    loads, pauses = measure.missing(True, store)
    assert [load.name for load in loads][:2] == ["twenty-answers", "invalid"]
    assert pauses
    for name in cases.PAUSES:
        store.add(cases.pause_key(name), pause(name, 1))
    assert not measure.missing(True, store)[1]


def test_queues_share_the_frames() -> None:
    assert {load.frames % load.queues for load in cases.LOADS} == {0}
    load = next(load for load in cases.LOADS if load.name == "queues-16")
    assert load.words(250) == ["rest", "16", "4096", "0", "250"]


@pytest.mark.parametrize(("status", "output"), [(1, "OSError: [Errno 12]"), (0, ""), (0, "{")])
def test_a_program_that_fails_is_told(status: int, output: str) -> None:
    done = SimpleNamespace(status=status, output=output)
    target = cast("Target", SimpleNamespace(run=lambda *_, **__: done))
    with pytest.raises(KitError, match=r"fairness\.share failed") as caught:
        measure._run(target, "share")
    assert caught.value.code == "FQ-BENCH"


def test_each_line_of_a_program_is_a_result() -> None:
    lines = [{"name": "resize"}, {"name": "nothing"}]
    done = SimpleNamespace(status=0, output="\n".join(map(json.dumps, lines)))
    assert measure._run(cast("Target", SimpleNamespace(run=lambda *_, **__: done)), "pauses") == lines


@pytest.mark.parametrize("number", [1, 20])
def test_so_many_frames_are_answered_of_what_each_tick_looks_at(number: int) -> None:
    queue, act = Answered(), Answers(number, 0)
    each: list[Any] = [queue]
    act(each)
    act(each)
    ticks = Counter(count // 8192 for count in queue.counts)
    assert len(queue.counts) == len(set(queue.counts))
    assert set(ticks) == set(range(8))
    assert all(abs(answers - 2 * number) <= 2 for answers in ticks.values())
