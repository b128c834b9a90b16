# SPDX-License-Identifier: MIT
"""More packets than Suricata's queue holds, because it is stopped or slow; fail-open off and on."""

from __future__ import annotations

import pytest
from numbered import MIXED, Kind, Numbered
from replay import BURST, Replay

from devkit.suricata import engine
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.qemu import Target

#: Suricata asks for a queue four times as long.
_PENDING = 256
_LENGTH = 4 * _PENDING
_SURPLUS = 300
_FEW = 10

pytestmark = pytest.mark.parametrize("fail_open", [False, True], ids=["fail_closed", "fail_open"])


def _options(pending: int, fail_open: bool) -> tuple[str, ...]:
    return (f"max-pending-packets={pending}", f"nfq.fail-open={'yes' if fail_open else 'no'}")


def test_stopped_and_continued(
    ids_target: Target, replay: Replay, numbered: Numbered, fail_open: bool
) -> None:
    """Packets wait in frames as far as they go; those beyond are settled by fail-open alone, and counted."""
    target = ids_target
    with (
        kernel_modules.loaded_during(target, kernel_modules.FASTQUEUE),
        engine.running(target, kernel_modules.FASTQUEUE, _options(_PENDING, fail_open)) as suricata,
        nftables.rules_installed(target, nftables.queue_all()),
    ):
        mark = target.log.mark()
        suricata.program.signal("STOP")
        while len(numbered.sent) < _LENGTH + _SURPLUS:
            numbered.send(MIXED * (BURST // 2))
            queue_counters.wait(target, lambda now: now.received == len(numbered.sent))
        surplus = len(numbered.sent) - _LENGTH
        full = queue_counters.wait(target, lambda now: True)
        assert (full.queued, full.occupied) == (_LENGTH, _LENGTH)
        by_default = (surplus, 0) if fail_open else (0, surplus)
        assert (full.default_accepted, full.default_dropped) == by_default
        action = "accepted" if fail_open else "dropped"
        said = f"full, handler {suricata.program.pid} is behind: packets are {action}"
        assert said in target.log.text(mark)
        passed_by = numbered.numbers(*MIXED, start=_LENGTH) if fail_open else []
        _arrive(numbered, passed_by)
        suricata.program.signal("CONT")
        done = queue_counters.wait(target, lambda now: not now.occupied)
        assert replay.through()
        assert numbered.arrived() == numbered.numbers(Kind.HARMLESS, end=_LENGTH)
        assert (done.accepted, done.dropped, done.flushed) == (_LENGTH // 2, _LENGTH // 2, 0)
        first = len(numbered.sent)
        numbered.send(MIXED * 20)
        assert replay.through()
        assert numbered.arrived() == numbered.numbers(Kind.HARMLESS, start=first)


def _arrive(numbered: Numbered, wanted: list[int]) -> None:
    """These and no others arrive, though nothing behind them passes."""
    found: list[int] = []
    while len(found) < len(wanted):
        found += numbered.arrived()
    assert found + numbered.arrived() == wanted


def test_overrun(ids_target: Target, replay: Replay, numbered: Numbered, fail_open: bool) -> None:
    """A short queue, and more than Suricata can look at: every packet is inspected, or is surplus."""
    target = ids_target
    with (
        kernel_modules.loaded_during(target, kernel_modules.FASTQUEUE),
        engine.running(target, kernel_modules.FASTQUEUE, _options(_FEW, fail_open)),
        nftables.rules_installed(target, nftables.queue_all()),
    ):
        found = queue_counters.read(target)[0]
        for _ in range(100):
            numbered.send(MIXED * (BURST // 2))
            found = queue_counters.wait(
                target, lambda now: now.received == len(numbered.sent) and not now.occupied
            )
            if found.by_default > 1000:
                break
        assert found.by_default > 1000
        assert found.queued > 100
        assert replay.through()
        arrived = numbered.arrived()
        harmless = len(set(arrived) & set(numbered.numbers(Kind.HARMLESS)))
        covered = len(arrived) - harmless
        sent = len(numbered.sent) // 2
        assert len(arrived) == found.accepted + found.default_accepted
        assert found.flushed == 0
        if fail_open:
            assert (harmless, found.default_dropped) == (sent, 0)
            assert covered == sent - found.dropped
        else:
            assert (covered, found.default_accepted) == (0, 0)
            assert harmless == found.accepted
