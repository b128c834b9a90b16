# SPDX-License-Identifier: MIT
"""The paper's network card: what decides about packets does so there too. A boot of its own."""

from collections.abc import Iterator

import pytest
from checks import FIVETUPLE_RULES, check_all_pass, check_verdicts, sizes
from handling import handling, queued
from network import settle_neighbours
from wire import Wires

from devkit.image.image import Image
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.target import kernel_modules
from devkit.target.qemu import Target


@pytest.fixture
def e1000(image: Image) -> Iterator[Target]:
    """A target of its own; its kernel has nothing to complain about."""
    with Lab.start() as lab, Target.boot(image, lab=lab, nic="e1000") as target:
        yield target
        assert not target.log.complaints()


def test_verdicts_order_and_contents(e1000: Target) -> None:
    network = topology.load()
    settle_neighbours(e1000, network)
    kernel_modules.load_only(e1000, kernel_modules.FASTQUEUE)
    with Wires(e1000.lab, network) as wires:
        with handling(e1000, "fivetuple", rules=FIVETUPLE_RULES) as handler, queued(e1000):
            check_verdicts(wires, handler, "fivetuple")
        with handling(e1000, "null") as handler, queued(e1000):
            check_all_pass(wires, handler, wires.make.numbered(400))
            check_all_pass(wires, handler, sizes(wires.make, "udp4", range(46, 1501, 3)))
            check_all_pass(wires, handler, sizes(wires.make, "tcp6", [*range(76, 1500, 64), 1500]))
