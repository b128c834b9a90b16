# SPDX-License-Identifier: MIT
"""Interfaces, rules and modules that go while packets are queued."""

import pytest
from frames import Frame
from handling import Handling, handling, queued
from network import settle_neighbours
from wire import Wires, expected

from devkit.lab import topology
from devkit.target.qemu import Target

pytestmark = pytest.mark.usefixtures("fastqueue")

#: Where nothing else says so, packets would pass.
PATIENT = ("--default", "accept", "null")


def hold(handler: Handling, wires: Wires) -> list[Frame]:
    """Have packets of every kind queued that nobody answers."""
    frames = list(wires.make.each_kind())
    handler.pause()
    wires.send(frames)
    handler.wait(lambda now: now.occupied == len(frames))
    return frames


def check_works(handler: Handling, wires: Wires, gone: int) -> None:
    """Let the handler answer what is gone by now; that decides nothing, and new packets pass."""
    handler.resume()
    frames = wires.make.numbered(20)
    wires.send(frames)
    after = handler.settled(gone + len(frames))
    assert (after.accepted, after.dropped, after.flushed) == (len(frames), 0, gone)
    assert wires.arrived() == expected(frames)


@pytest.mark.parametrize("interface", ["eth0", "eth1"])
def test_an_interface_goes_down(target: Target, wires: Wires, interface: str) -> None:
    """What came from it and what would leave by it is dropped."""
    with handling(target, *PATIENT) as handler, queued(target):
        held = hold(handler, wires)
        try:
            target.run(["ip", "link", "set", interface, "down"])
            gone = handler.wait(lambda now: not now.occupied)
            assert gone.flushed == len(held)
        finally:
            settle_neighbours(target, topology.load())
        assert wires.arrived() == expected([])
        check_works(handler, wires, len(held))


def test_the_rules_go(target: Target, wires: Wires) -> None:
    """With the hook that a packet would go on from, the packet goes too."""
    with handling(target, *PATIENT) as handler:
        with queued(target):
            held = hold(handler, wires)
        gone = handler.wait(lambda now: not now.occupied)
        assert gone.flushed == len(held)
        assert wires.arrived() == expected([])
        with queued(target):
            check_works(handler, wires, len(held))


def test_the_module_stays_while_a_handler_is_there(target: Target, wires: Wires) -> None:
    with handling(target, "null") as handler, queued(target):
        refused = target.run(["rmmod", "fastqueue"], check=False)
        assert refused.status != 0
        assert "in use" in refused.output or "temporarily unavailable" in refused.output
        frames = wires.make.numbered(10)
        wires.send(frames)
        handler.settled(len(frames))
        assert wires.arrived() == expected(frames)
