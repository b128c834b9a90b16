# SPDX-License-Identifier: MIT
from collections.abc import Callable
from typing import Any

import pytest

from devkit.bench.results import compare
from devkit.bench.results.results import Results

Make = Callable[..., Results]


def test_a_run_does_not_differ_from_itself(results: Make) -> None:
    found = compare.changes(results(), results())
    assert {one.key.split("/")[0] for one in found} == {
        "cost", "latency", "capacity", "ring", "queues", "timer", "profile", "nic", "stream",
    }  # fmt: skip
    assert len([one for one in found if one.key.startswith("timer/64/100 ")]) == 3
    assert compare.unread(results()) == []
    assert all(one.relative == 0 for one in found)


def test_changes_are_relative_and_the_worst_is_in_the_targets_own_time(results: Make) -> None:
    found = compare.changes(results(), results(1.1))
    by_key = {one.key: one for one in found}
    assert by_key["cost/fastqueue-c/udp-1400"].relative == pytest.approx(0.1)
    assert by_key["capacity/fastqueue-c"].relative == pytest.approx(1 / 1.1 - 1, abs=1e-3)
    worst = compare.worst(found)
    assert worst
    assert worst.inside
    assert not by_key["stream/virtio/plain"].inside
    assert not by_key["nic/virtio/plain/tcp"].inside
    assert compare.table(found).row_count == len(found)


def test_what_only_one_run_has_is_left_out(results: Make) -> None:
    new = results()
    content = {**new.content, "results": {"cost/plain/udp-1400": new.raw("cost/plain/udp-1400")}}
    assert [one.key for one in compare.changes(results(), Results(content))] == ["cost/plain/udp-1400"]
    assert compare.worst([]) is None


def test_a_result_that_is_odd_within_is_named_and_left_out(results: Make) -> None:
    old = results()
    odd: dict[str, Any] = {
        "cost/plain/udp-1400": {"runs": []},
        "timer/64/100": {},
        "stream/virtio/plain": None,
    }
    odd["no/such"] = {"runs": [1]}
    broken = Results({**old.content, "results": {**old.content["results"], **odd}})
    assert sorted(compare.unread(broken)) == sorted(odd)
    keys = {one.key.split(" ")[0] for one in compare.changes(broken, results())}
    assert "cost/plain/tcp" in keys
    assert not keys & set(odd)
