# SPDX-License-Identifier: MIT
"""Suricata finds, drops and lets pass the same over NFQUEUE and over Fast Queue."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from corpus import corpus
from replay import Replay

from devkit.suricata import engine, eve_log, rules
from devkit.suricata.eve_log import Event
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.qemu import Target


@dataclass(frozen=True)
class Findings:
    """What Suricata wrote over one queue, what arrived on each side, what it said at its end."""

    events: list[Event]
    arrived: dict[str, list[bytes]]
    output: str


def _run(target: Target, replay: Replay, module: str) -> Findings:
    with kernel_modules.loaded_during(target, module), engine.running(target, module) as suricata:
        with nftables.rules_installed(target, nftables.queue_all()):
            arrived = replay.play(corpus())
            if module == kernel_modules.FASTQUEUE:
                found = queue_counters.read(target)[0]
                found.check()
                assert not found.by_default
                assert not found.flushed
        ended = suricata.stop()
        return Findings(suricata.events(), arrived, ended.output)


@pytest.fixture(scope="module")
def findings(ids_target: Target, replay: Replay) -> dict[str, Findings]:
    """The same traffic over both."""
    return {
        name: _run(ids_target, replay, name) for name in (kernel_modules.NFQUEUE, kernel_modules.FASTQUEUE)
    }


def test_every_rule_found_what_it_is_for(findings: dict[str, Findings]) -> None:
    wanted = {"drop": "blocked", "alert": "allowed"}
    for name, found in findings.items():
        for action, told in wanted.items():
            numbers = {rule.number for rule in rules.rules() if rule.action == action}
            assert numbers <= eve_log.numbers(found.events, told), name


def test_entries_are_the_same_one_by_one(findings: dict[str, Findings]) -> None:
    ours, theirs = findings[kernel_modules.FASTQUEUE].events, findings[kernel_modules.NFQUEUE].events
    assert eve_log.ordered(ours) == eve_log.ordered(theirs)
    assert {event["event_type"] for event in ours} == {"alert", "drop"}


@pytest.mark.parametrize("side", ["client", "server"])
def test_what_passes_is_the_same_byte_for_byte(findings: dict[str, Findings], side: str) -> None:
    ours, theirs = (
        findings[kernel_modules.FASTQUEUE].arrived[side],
        findings[kernel_modules.NFQUEUE].arrived[side],
    )
    assert ours == theirs
    assert len(ours) > 500


def test_suricata_counts_the_same(findings: dict[str, Findings]) -> None:
    ours, theirs = (
        [line for line in found.output.splitlines() if "Treated" in line or "Verdict" in line]
        for found in (findings[kernel_modules.FASTQUEUE], findings[kernel_modules.NFQUEUE])
    )
    assert ours == theirs
    assert len(ours) == 2
