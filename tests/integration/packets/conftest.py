# SPDX-License-Identifier: MIT
"""Fixtures of the packet tests: the wires, the module, and the law that no packet is lost sight of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from handling import set_default
from network import settle_neighbours
from wire import Wires

from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.qemu import Target


@pytest.fixture(scope="session")
def session_wires(target: Target, lab: Lab) -> Iterator[Wires]:
    """Sniffers on both sides of the session's target, for the whole session."""
    network = topology.load()
    settle_neighbours(target, network)
    with Wires(lab, network) as wires:
        yield wires


@pytest.fixture
def wires(session_wires: Wires) -> Wires:
    """Both ends of the cables; what earlier tests sent is gone."""
    session_wires.arrived()
    return session_wires


@pytest.fixture
def fastqueue(target: Target) -> None:
    """The module is loaded, its parameters are as at the start, and no rule is in force."""
    kernel_modules.load_only(target, kernel_modules.FASTQUEUE)
    set_default(target, "drop")


@pytest.fixture(autouse=True)
def nothing_left(target: Target) -> Iterator[None]:
    """After a test queues add up, and none is left; rules neither."""
    yield
    nftables.flush(target)
    if kernel_modules.FASTQUEUE in kernel_modules.loaded(target):
        left = queue_counters.read(target)
        for queue in left.values():
            queue.check()
        assert not left, f"a handler is left: {left}"
