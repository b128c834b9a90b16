# SPDX-License-Identifier: MIT
"""Fixtures of the tests with Suricata: one lab and one target with it for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from numbered import Numbered
from replay import Replay, settle

from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.qemu.extra_disk import SURICATA
from devkit.suricata import engine
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.qemu import Target


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "runs_out_of_memory: the kernel kills a process meanwhile; its report is no fault"
    )


@pytest.fixture(scope="session")
def ids_lab() -> Iterator[Lab]:
    """A lab beside the session's one: its target has more memory and another disk."""
    with Lab.start() as lab:
        yield lab


@pytest.fixture(scope="session")
def ids_target(ids_lab: Lab, image: Image) -> Iterator[Target]:
    """A router with Suricata, its settings and the kit's rules."""
    with Target.boot(image, lab=ids_lab, addition=SURICATA) as target:
        engine.install(target)
        settle(target)
        yield target


@pytest.fixture(scope="session")
def replay(ids_lab: Lab, ids_target: Target) -> Iterator[Replay]:
    """Both ends of its cables."""
    with Replay(ids_lab) as replay:
        yield replay


@pytest.fixture
def numbered(replay: Replay) -> Numbered:
    """Datagrams from one end to the other."""
    return Numbered(replay)


@pytest.fixture(autouse=True)
def nothing_left(ids_target: Target, request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test: what queues are left add up, nothing runs, and the kernel is content."""
    mark = ids_target.log.mark()
    yield
    nftables.flush(ids_target)
    if kernel_modules.FASTQUEUE in kernel_modules.loaded(ids_target):
        left = queue_counters.read(ids_target)
        assert not left, f"a handler is left: {left}"
    kernel_modules.load_only(ids_target, None)
    runs_out = request.node.get_closest_marker("runs_out_of_memory")
    complaints = ids_target.log.complaints(mark, memory=not runs_out)
    assert not complaints, f"the kernel complained, see {ids_target.log.path}:\n" + "\n".join(complaints)
