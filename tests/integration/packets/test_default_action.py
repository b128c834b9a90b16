# SPDX-License-Identifier: MIT
"""What happens to packets that no handler decides about."""

import pytest
from frames import Frame
from handling import handling, queued, set_default
from wire import Wires, expected

from devkit.target.qemu import Target

pytestmark = pytest.mark.usefixtures("fastqueue")

ACTIONS = ("accept", "drop")
FRAMES = 8


def passing(action: str, frames: list[Frame]) -> dict[str, list[bytes]]:
    return expected(frames if action == "accept" else [])


@pytest.mark.parametrize("action", ACTIONS)
def test_no_handler(target: Target, wires: Wires, action: str) -> None:
    set_default(target, action)
    frames = list(wires.make.each_kind())
    with queued(target):
        wires.send(frames)
        assert wires.arrived() == passing(action, frames)


def test_bypass_passes_without_a_handler(target: Target, wires: Wires) -> None:
    """The rule says so, whatever the module's default is; with a handler it decides."""
    frames = list(wires.make.each_kind())
    with queued(target, ["queue num 0 bypass"]):
        wires.send(frames)
        assert wires.arrived() == expected(frames)
        with handling(target, "drop") as handler:
            wires.send(frames)
            handler.settled(len(frames))
            assert wires.arrived() == expected([])


@pytest.mark.parametrize("action", ACTIONS)
def test_ring_full(target: Target, wires: Wires, action: str) -> None:
    """Frames beyond the ring get the default action at once; those in it wait for the handler."""
    frames = wires.make.numbered(20)
    ring = ("--frames", str(FRAMES), "--default", action)
    with handling(target, *ring, "null") as handler, queued(target):
        handler.pause()
        wires.send(frames)
        full = handler.wait(lambda now: now.received == len(frames))
        assert (full.occupied, full.queued) == (FRAMES, FRAMES)
        beyond = len(frames) - FRAMES
        assert (full.default_accepted, full.default_dropped) == (
            (beyond, 0) if action == "accept" else (0, beyond)
        )
        assert wires.arrived() == passing(action, frames[FRAMES:])
        handler.resume()
        assert handler.settled(len(frames)).accepted == FRAMES
        assert wires.arrived() == expected(frames[:FRAMES])


@pytest.mark.parametrize("action", ACTIONS)
def test_handler_killed_with_packets_queued(target: Target, wires: Wires, action: str) -> None:
    frames = list(wires.make.each_kind())
    with handling(target, "--default", action, "null") as handler, queued(target):
        handler.pause()
        wires.send(frames)
        handler.wait(lambda now: now.occupied == len(frames))
        assert wires.arrived() == expected([])
        assert handler.kill().status == 137
        assert wires.arrived() == passing(action, frames)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_answer_that_never_comes(target: Target, wires: Wires, action: str) -> None:
    """The time limit settles the packet; an answer behind it decides nothing."""
    frames = wires.make.numbered(12)
    with handling(target, "--timeout-ms", "50", "--default", action, "drop") as handler, queued(target):
        handler.pause()
        wires.send(frames)
        late = handler.wait(lambda now: now.timed_out == len(frames))
        assert (late.flushed, late.accepted, late.dropped) == (len(frames), 0, 0)
        assert wires.arrived() == passing(action, frames)
        handler.resume()
        more = wires.make.numbered(5)
        wires.send(more)
        after = handler.settled(len(frames) + len(more))
        # The host may be too busy for the time limit: then the default action meets new ones too.
        assert after.accepted == 0
        assert after.dropped + after.flushed == len(frames) + len(more)
        passed = after.flushed - len(frames) if action == "accept" else 0
        assert len(wires.arrived()["server"]) == passed
