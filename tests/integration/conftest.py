# SPDX-License-Identifier: MIT
"""Fixtures of all tests that need a lab: one image, one lab and one booted target for the session.

Packets: ``lab.socket("client", socket.AF_PACKET, socket.SOCK_RAW, 0)`` returns a real socket that was
made inside the client's namespace. Bind it to ``("eth0", ETH_P_ALL)`` and send, receive and select
with it here, in the test's own process; so with AF_INET and the others, and with ``"server"`` at the
other end. Processes: ``lab.popen("server", ["iperf3", "-s"], stdout=subprocess.PIPE)``. Offloads are
off on all cables, so frames are those that were sent.

A test that breaks things (kills QEMU, panics the kernel) starts a lab of its own: ``Lab.start()``.

With ``--target=serial:/dev/ttyUSB0`` the target is a board at a serial line, and nothing but that line
is shared with it: tests with the fixture ``lab`` or ``image`` and those without ``target`` are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from devkit.host.errors import KitError
from devkit.image.base_choice import BASES, ImageOptions, choose
from devkit.image.image import Image, build_image
from devkit.image.kernel_flavour import COVERAGE, DEFAULT, TESTING, flavour
from devkit.lab.client import Lab
from devkit.qemu.boot_disk import BUSES, SOURCES, BootDisk
from devkit.target import kmemleak, line_coverage
from devkit.target.base import TargetCommands
from devkit.target.kernel_log import KernelLog
from devkit.target.qemu import Target
from devkit.target.serial import Address, SerialTarget

_watched: list[KernelLog] = []
_IMAGE = pytest.StashKey[Image | KitError]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--kernel NAME``: flavour of the targets' kernel; ``--base``, ``--from``: what the targets boot."""
    parser.addoption(
        "--kernel", default=DEFAULT, help="flavour of the targets' kernel (default: %(default)s)"
    )
    parser.addoption("--base", choices=BASES, default=BASES[0], help="base of the targets' image")
    parser.addoption("--from", choices=SOURCES, default=SOURCES[0], help="what the session's target boots")
    parser.addoption("--bus", choices=BUSES, default="ide", help="where its disk is (default: %(default)s)")
    parser.addoption("--target", default=None, help="a board instead of QEMU: serial:/dev/ttyUSB0[@BAUD]")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a debug kernel or the Debian base has (debug_kernel, debian_base) on others."""
    if flavour(config.getoption("--kernel")) not in TESTING:
        _leave_out(config, items, [item for item in items if item.get_closest_marker("debug_kernel")])
    if config.getoption("--target"):
        _leave_out(config, items, [item for item in items if not _needs_only_a_shell(item)])
    of_debian = [item for item in items if item.get_closest_marker("debian_base")]
    if of_debian and _base(config) != "debian":
        _leave_out(config, items, of_debian)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the image before the first test: a kernel alone takes longer than a test may."""
    config = session.config
    wanted = any({"image", "target"} & set(getattr(item, "fixturenames", ())) for item in session.items)
    if not wanted or config.getoption("--collect-only") or config.getoption("--target"):
        return
    try:
        config.stash[_IMAGE] = _build(config)
    except KitError as error:  # each test that needs it says so
        config.stash[_IMAGE] = error


def _build(config: pytest.Config) -> Image:
    kernel = config.getoption("--kernel")
    wish = ImageOptions(config.getoption("--base"))
    return build_image(wish, kernel, folder=wish.folder if kernel == DEFAULT else f"image-{kernel}")


def _base(config: pytest.Config) -> str:
    return choose(ImageOptions(config.getoption("--base")), flavour(config.getoption("--kernel"))).name


def _leave_out(config: pytest.Config, items: list[pytest.Item], out: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


def _needs_only_a_shell(item: pytest.Item) -> bool:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return "target" in fixtures and not {"lab", "image"} & set(fixtures)


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config) -> Image:
    """The image, built if anything changed since the last time; other kernels in folders of their own."""
    found = pytestconfig.stash[_IMAGE]
    if isinstance(found, KitError):
        raise found
    return found


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The session's lab: namespaces ``client`` and ``server``, the target between them."""
    with Lab.start() as lab:
        yield lab


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Iterator[TargetCommands]:
    """The session's target, a router with virtio NICs under the profile p3; or a board."""
    with _target(request) as target:
        _watched.append(target.log)
        yield target
        _watched.remove(target.log)
        if request.config.getoption("--kernel") == COVERAGE.name:
            assert line_coverage.collect(target), "this kernel counts no lines"
        lost = kmemleak.scan(target)
        assert not lost, lost


def _target(request: pytest.FixtureRequest) -> AbstractContextManager[TargetCommands]:
    address = request.config.getoption("--target")
    if address:
        try:
            return SerialTarget.attach(Address.parse(address))
        except KitError as error:
            pytest.exit(str(error), error.status)  # once, and not for each test
    # Asked for here and not as arguments: a board has neither.
    option = request.config.getoption
    disk = BootDisk(bus=option("--bus")) if option("--from") == "disk" else None
    return Target.boot(request.getfixturevalue("image"), lab=request.getfixturevalue("lab"), disk=disk)


@pytest.fixture(autouse=True)
def kernel_is_content() -> Iterator[None]:
    """Fail the test during which the kernel of the session's target complained (WARNING, BUG, ...)."""
    marks = {log: log.mark() for log in _watched}
    yield
    for log in _watched:
        complaints = log.complaints(marks.get(log, 0))
        assert not complaints, f"the kernel complained, see {log.path}:\n" + "\n".join(complaints)
