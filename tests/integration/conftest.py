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

from devkit import kmemleak
from devkit.build.flavour import DEBUG, DEFAULT, flavour
from devkit.build.image import Image, build_image
from devkit.kernel_log import KernelLog
from devkit.lab.client import Lab
from devkit.medium import BUSES, SOURCES, Disk
from devkit.target import Target

_watched: list[KernelLog] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--kernel NAME``: flavour of the targets' kernel; ``--from disk``: what the session's target boots."""
    parser.addoption(
        "--kernel", default=DEFAULT, help="flavour of the targets' kernel (default: %(default)s)"
    )
    parser.addoption("--from", choices=SOURCES, default=SOURCES[0], help="what the session's target boots")
    parser.addoption("--bus", choices=BUSES, default="ide", help="where its disk is (default: %(default)s)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a debug kernel has (its marker: debug_kernel), where it is not one."""
    if flavour(config.getoption("--kernel")) not in DEBUG:
        out = [item for item in items if item.get_closest_marker("debug_kernel")]
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config) -> Image:
    """The image, built if anything changed since the last time; other kernels in folders of their own."""
    kernel = pytestconfig.getoption("--kernel")
    return build_image(kernel_name=kernel, folder="image" if kernel == DEFAULT else f"image-{kernel}")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The session's lab: namespaces ``client`` and ``server``, the target between them."""
    with Lab.start() as lab:
        yield lab


@pytest.fixture(scope="session")
def target(image: Image, lab: Lab, pytestconfig: pytest.Config) -> Iterator[Target]:
    """The session's target, a router with virtio NICs under the profile p3."""
    disk = Disk(bus=pytestconfig.getoption("--bus")) if pytestconfig.getoption("--from") == "disk" else None
    with Target.boot(image, lab=lab, disk=disk) as target:
        _watched.append(target.log)
        yield target
        _watched.remove(target.log)
        lost = kmemleak.scan(target)
        assert not lost, lost


@pytest.fixture(autouse=True)
def kernel_is_content() -> Iterator[None]:
    """Fail the test during which the kernel of the session's target complained (WARNING, BUG, ...)."""
    marks = {log: log.mark() for log in _watched}
    yield
    for log in _watched:
        complaints = log.complaints(marks.get(log, 0))
        assert not complaints, f"the kernel complained, see {log.path}:\n" + "\n".join(complaints)
