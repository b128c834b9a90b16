# SPDX-License-Identifier: MIT
"""Suricata reads its rules again while packets pass: none is lost, and none that a rule covers passes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from numbered import ADDED_RULE, MIXED, Kind, Numbered, eventually
from replay import Replay

from devkit.suricata import engine
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.qemu import Target


@pytest.fixture
def usual_rules(ids_target: Target) -> Iterator[None]:
    """What a test does to the rules is undone."""
    yield
    engine.install(ids_target)


@pytest.mark.usefixtures("usual_rules")
def test_rules_change_under_traffic(ids_target: Target, replay: Replay, numbered: Numbered) -> None:
    """A rule is added, and taken out again, without a gap for what was covered all the time."""
    target = ids_target
    with (
        kernel_modules.loaded_during(target, kernel_modules.FASTQUEUE),
        engine.running(target, kernel_modules.FASTQUEUE) as suricata,
        nftables.rules_installed(target, nftables.queue_all()),
    ):
        spans = []

        def reload(*more: str) -> None:
            """Another set of rules, with traffic before and after it."""
            begun = len(numbered.sent)
            engine.install(target, more)
            suricata.reload()
            spans.append((begun, len(numbered.sent)))
            eventually(lambda: len(numbered.sent) > spans[-1][1] + 500, "traffic goes on")

        with numbered.flowing((*MIXED, Kind.ADDED) * 10, pause=0.0, checked=True):
            eventually(lambda: len(numbered.sent) > 500, "traffic passes")
            reload(ADDED_RULE)
            reload()
        assert replay.through()
        arrived = set(numbered.arrived())
        found = queue_counters.wait(target, lambda now: not now.occupied)
    assert not arrived & set(numbered.numbers(Kind.COVERED))
    assert arrived >= set(numbered.numbers(Kind.HARMLESS))
    assert (found.flushed, found.by_default) == (0, 0)
    (adding, added), (removing, removed) = spans
    assert added > adding + 30 < removing + 60 < removed + 30, "no traffic during a reload"
    before = numbered.numbers(Kind.ADDED, end=adding)
    between = numbered.numbers(Kind.ADDED, start=added, end=removing)
    after = numbered.numbers(Kind.ADDED, start=removed)
    assert arrived >= {*before, *after}
    assert not arrived & set(between)
