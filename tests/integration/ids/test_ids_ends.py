# SPDX-License-Identifier: MIT
"""Suricata ends while packets are under way: killed, by a signal or because memory is out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import footprint
import pytest
from numbered import MIXED, Kind, Numbered, eventually
from replay import Replay
from tracepoints import ACCEPT, traced

from devkit.suricata import engine
from devkit.suricata.engine import Engine
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.qemu import Target

_KILLED = 128 + 9
_HELD = 200
_EATER = Path(__file__).parent / "programs/eat_memory.py"


def _check_works(target: Target, replay: Replay, numbered: Numbered, suricata: Engine) -> None:
    """A Suricata on the queue of one that is gone: it lets pass and drops."""
    first = len(numbered.sent)
    with nftables.rules_installed(target, nftables.queue_all()):
        numbered.send(MIXED * 20)
        assert replay.through()
        assert numbered.arrived() == numbered.numbers(Kind.HARMLESS, start=first)
        found = queue_counters.wait(target, lambda now: not now.occupied)
    assert found.owner == suricata.program.pid
    assert (found.dropped, found.flushed, found.by_default) == (20, 0, 0)


@pytest.mark.parametrize("bypass", [False, True], ids=["rule", "rule_with_bypass"])
def test_killed_under_traffic(ids_target: Target, replay: Replay, numbered: Numbered, bypass: bool) -> None:
    """What is queued gets its verdict or is flushed; then the rule drops all, or with bypass accepts all."""
    target = ids_target
    with kernel_modules.loaded_during(target, kernel_modules.FASTQUEUE):
        with traced(target) as events:
            with (
                engine.running(target, kernel_modules.FASTQUEUE) as suricata,
                nftables.rules_installed(target, nftables.queue_all(bypass=bypass)),
                numbered.flowing(MIXED * 10),
            ):
                eventually(lambda: numbered.seen() > _HELD, "traffic passes")
                suricata.program.signal("KILL")
                assert suricata.program.wait().status == _KILLED
                reached = len(numbered.sent)
                eventually(lambda: len(numbered.sent) > reached + _HELD, "traffic goes on")
            assert replay.through()
            events.read()
        events.check()
        queued, sent = events.number("queued"), len(numbered.sent)
        assert _HELD < queued < sent
        # Packets come in order: those that were queued, then those that found no queue, and may be faster.
        arrived = sorted(numbered.arrived())
        accepted = events.number("answered", ACCEPT)
        assert arrived[:accepted] == numbered.numbers(Kind.HARMLESS, end=queued)[:accepted]
        assert arrived[accepted:] == (list(range(queued, sent)) if bypass else [])
        with engine.running(target, kernel_modules.FASTQUEUE) as again:
            _check_works(target, replay, numbered, again)


def _kill(suricata: Engine) -> None:
    suricata.program.signal("KILL")


def _run_out_of_memory(suricata: Engine) -> None:
    target = suricata.target
    mark = target.log.mark()
    target.put(_EATER, "/run/eat_memory.py")
    target.run(["python3", "/run/eat_memory.py", str(suricata.program.pid)])
    assert target.log.killed_for_memory(mark) == ["Suricata-Main"]


@pytest.mark.parametrize(
    ("end", "fail_open"),
    [
        pytest.param(_kill, False, id="killed"),
        pytest.param(_kill, True, id="killed_with_fail_open"),
        pytest.param(
            _run_out_of_memory, False, id="out_of_memory", marks=pytest.mark.runs_out_of_memory
        ),
    ],
)  # fmt: skip
def test_ended_with_packets_queued(
    ids_target: Target, replay: Replay, numbered: Numbered, end: Callable[[Engine], None], fail_open: bool
) -> None:
    """Whatever waited is flushed, all of it; the kernel keeps none, and the next Suricata works."""
    target = ids_target
    options = ("nfq.fail-open=yes",) if fail_open else ()
    with kernel_modules.loaded_during(target, kernel_modules.FASTQUEUE):
        before = footprint.buffers(target)
        with engine.running(target, kernel_modules.FASTQUEUE, options) as suricata:
            with nftables.rules_installed(target, nftables.queue_all()):
                numbered.send(MIXED * 10)
                assert replay.through()
                assert numbered.arrived() == numbered.numbers(Kind.HARMLESS)
                held_from = len(numbered.sent)
                queue_counters.wait(target, lambda now: not now.occupied)
                suricata.program.signal("STOP")
                numbered.send(MIXED * (_HELD // 2))
                queue_counters.wait(target, lambda now: now.occupied == _HELD)
                mark = target.log.mark()
                end(suricata)
                assert suricata.program.wait().status == _KILLED
            assert queue_counters.read(target) == {}
            action = "accepted" if fail_open else "dropped"
            assert f"with {_HELD} packets unanswered: {action}" in target.log.text(mark)
            assert replay.through()
            assert numbered.arrived() == (numbered.numbers(*MIXED, start=held_from) if fail_open else [])
        assert footprint.buffers(target) < before + _HELD // 2
        with engine.running(target, kernel_modules.FASTQUEUE) as again:
            _check_works(target, replay, numbered, again)
