# SPDX-License-Identifier: MIT
"""Memory: how much rings may take, and what happens where there is none."""

import contextlib
import errno
import os
from collections.abc import Iterator
from fcntl import ioctl

from checks import holds, refused, same
from fastqueue import RingOptions, abi
from lane import Flow, Handler, chain, enter

PARAMETER = "/sys/module/fastqueue/parameters/max_memory"
PACKETS = "/sys/module/fastqueue/parameters/max_packet_memory"
MEGABYTE = 1 << 20


def read(path: str) -> int:
    """Return the value of a parameter."""
    with open(path) as file:  # noqa: PTH123 start-up time
        return int(file.read())


@contextlib.contextmanager
def parameter(path: str, value: int) -> Iterator[None]:
    """Have another value of a parameter."""
    usual = read(path)
    _write(path, value)
    try:
        yield
    finally:
        _write(path, usual)


def _write(path: str, value: int) -> None:
    with open(path, "w") as file:  # noqa: PTH123 start-up time
        file.write(str(value))


def set_limit(value: int) -> None:
    """Set what all rings together may take, in bytes."""
    with open(PARAMETER, "w") as file:  # noqa: PTH123 start-up time
        file.write(str(value))


def _ask(queue: int, frames: int, frame_size: int) -> int:
    fd = os.open(abi.DEVICE, os.O_RDWR)
    try:
        ioctl(fd, abi.IOC_ALLOC, RingOptions(queue, frames, frame_size).pack())
    except OSError:
        os.close(fd)
        raise
    return fd


def together() -> None:
    """All rings together stay below the limit; what is closed may be taken again."""
    enter()
    set_limit(4 * MEGABYTE)
    first, second = _ask(0, 1024, 1024), _ask(1, 1024, 1024)
    third = _ask(2, 1024, 1024)
    refused(errno.ENOMEM, _ask, 3, 1024, 1024)
    os.close(second)
    second = _ask(3, 1024, 1024)
    refused(errno.ENOMEM, _ask, 4, 1024, 1024)
    for fd in (first, second, third):
        os.close(fd)
    for _ in range(8):
        os.close(_ask(0, 2048, 1024))


def small_rings() -> None:
    """Whole pages count: the smallest rings cannot take more than the limit either."""
    enter()
    set_limit(MEGABYTE)
    before = _available()
    rings: list[int] = []
    refusal = 0
    while not refusal:
        try:
            rings.append(_ask(len(rings), 8, 64))
        except OSError as error:
            refusal = error.errno or 0
    same(refusal, errno.ENOMEM, "refusal")
    holds(20 <= len(rings) <= 100, f"{len(rings)} rings of at least three pages in a megabyte")
    holds(before - _available() < 3000, f"{before - _available()} kB are gone")


def huge() -> None:
    """Sizes of 2 and 4 GB with no limit set: refused, without a word of the kernel."""
    enter()
    for limit in (0xFFFFFFFF, 64 * MEGABYTE):
        set_limit(limit)
        for frames, size in ((65536, 65536), (65536, 65472), (65536, 65408), (32768, 65536)):
            refused(errno.ENOMEM, _ask, 0, frames, size)
    os.close(_ask(0, 8, 64))


def resize_refused() -> None:
    """A ring that cannot be exchanged stays, with its packets."""
    enter(chain("output", "udp dport 7000 queue num 0"))
    set_limit(MEGABYTE)
    flow, handler = Flow(), Handler(frames=64)
    flow.send(10)
    handler.device._unmap()
    refused(errno.ENOMEM, ioctl, handler.device.fileno(), abi.IOC_RESIZE, RingOptions(0, 8192, 2048).pack())
    same(handler.stats().occupied, 10, "packets in frames")
    os.close(handler.device.fileno())
    same(flow.outstanding(), 0, "bytes held")


def _available() -> int:
    with open("/proc/meminfo") as file:  # noqa: PTH123 start-up time
        return int(next(line for line in file if line.startswith("MemAvailable")).split()[1])
