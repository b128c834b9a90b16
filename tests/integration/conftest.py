# SPDX-License-Identifier: MIT
"""Fixtures of all tests that need a lab: one image, one lab and one booted target for the session.

Packets: ``lab.socket("client", socket.AF_PACKET, socket.SOCK_RAW, 0)`` returns a real socket that was
made inside the client's namespace. Bind it to ``("eth0", ETH_P_ALL)`` and send, receive and select
with it here, in the test's own process; so with AF_INET and the others, and with ``"server"`` at the
other end. Processes: ``lab.popen("server", ["iperf3", "-s"], stdout=subprocess.PIPE)``. Offloads are
off on all cables, so frames are those that were sent.

A test that breaks things (kills QEMU, panics the kernel) starts a lab of its own: ``Lab.start()``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devkit.build.image import Image, build_image
from devkit.kernel_log import KernelLog
from devkit.lab.client import Lab
from devkit.target import Target

_watched: list[KernelLog] = []


@pytest.fixture(scope="session")
def image() -> Image:
    """The image, built if anything changed since the last time."""
    return build_image()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The session's lab: namespaces ``client`` and ``server``, the target between them."""
    with Lab.start() as lab:
        yield lab


@pytest.fixture(scope="session")
def target(image: Image, lab: Lab) -> Iterator[Target]:
    """The session's target, a router with virtio NICs under the profile p3."""
    with Target.boot(image, lab=lab) as target:
        _watched.append(target.log)
        yield target
        _watched.remove(target.log)


@pytest.fixture(autouse=True)
def kernel_is_content() -> Iterator[None]:
    """Fail the test during which the kernel of the session's target complained (WARNING, BUG, ...)."""
    marks = {log: log.mark() for log in _watched}
    yield
    for log in _watched:
        complaints = log.complaints(marks.get(log, 0))
        assert not complaints, f"the kernel complained, see {log.path}:\n" + "\n".join(complaints)
