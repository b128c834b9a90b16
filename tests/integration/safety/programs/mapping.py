# SPDX-License-Identifier: MIT
"""What may be mapped, and what may be done with it afterwards."""

import ctypes
import errno
import gc
import mmap as pages
import os
from fcntl import ioctl

import libc
from checks import holds, refused, same
from fastqueue import RingOptions, abi
from lane import Flow, Handler, chain, enter
from libc import MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE
from processes import start, wait

PAGE = pages.PAGESIZE
BOTH = PROT_READ | PROT_WRITE
READ_ONLY = ("meta", "payload")


class Areas:
    """A ring that is not mapped yet: its descriptor, and offset and size of each area by name."""

    def __init__(self, mode: int = os.O_RDWR, **options: object) -> None:
        self.fd = os.open(abi.DEVICE, mode)
        request = RingOptions(0, 64, frame_size=256, **options)  # type: ignore[arg-type]
        ring = request.pack()
        ioctl(self.fd, abi.IOC_ALLOC, ring)
        values = abi.RING.unpack(ring)[-6:]
        self.places = dict(
            zip(("answer", "meta", "payload"), zip(values[::2], values[1::2], strict=True), strict=True)
        )

    def map(self, name: str, protection: int, flags: int = MAP_SHARED) -> int:
        """Map an area whole; return the address."""
        offset, size = self.places[name]
        return libc.mmap(self.fd, size, protection, flags, offset)


def whole_areas_only() -> None:
    """No part, nothing between two areas, nothing behind them; not before there is a ring."""
    enter()
    fd = os.open(abi.DEVICE, os.O_RDWR)
    refused(errno.ENXIO, libc.mmap, fd, PAGE, PROT_READ, MAP_SHARED, 0)
    areas = Areas()
    end = sum(size for _, size in areas.places.values())
    for name, (offset, size) in areas.places.items():
        for at, length in ((offset, size + PAGE), (offset + PAGE, size), (offset + PAGE, size - PAGE)):
            if (at, length) not in areas.places.values() and length:
                refused(errno.EINVAL, libc.mmap, areas.fd, length, PROT_READ, MAP_SHARED, at, what=name)
    refused(errno.EINVAL, libc.mmap, areas.fd, end, PROT_READ, MAP_SHARED, 0)
    refused(errno.EINVAL, libc.mmap, areas.fd, PAGE, PROT_READ, MAP_SHARED, end)
    refused(errno.EINVAL, libc.mmap, areas.fd, PAGE, PROT_READ, MAP_SHARED, 0x7FFFF000 & -PAGE)


def private() -> None:
    """A private mapping would be a copy from the first write on."""
    enter()
    areas = Areas()
    for name in areas.places:
        refused(errno.EINVAL, areas.map, name, PROT_READ, MAP_PRIVATE)
        refused(errno.EINVAL, areas.map, name, BOTH, MAP_PRIVATE)


def read_only() -> None:
    """Neither mapped writable nor made so; a write is the end of the process."""
    enter()
    areas = Areas()
    for name in READ_ONLY:
        refused(errno.EPERM, areas.map, name, BOTH)
        address = areas.map(name, PROT_READ)
        refused(errno.EACCES, libc.mprotect, address, areas.places[name][1], BOTH)
    address = areas.map("answer", BOTH)
    libc.mprotect(address, PAGE, PROT_READ)
    libc.mprotect(address, PAGE, BOTH)


def writable_payload() -> None:
    """With F_WRITABLE the payload area may be written; meta may not."""
    enter()
    areas = Areas(writable=True)
    areas.map("payload", BOTH)
    refused(errno.EPERM, areas.map, "meta", BOTH)


def executable() -> None:
    """Packets are data."""
    enter()
    areas = Areas()
    for name, (_, size) in areas.places.items():
        refused(errno.EPERM, areas.map, name, PROT_READ | PROT_EXEC)
        address = areas.map(name, PROT_READ)
        refused(errno.EACCES, libc.mprotect, address, size, PROT_READ | PROT_EXEC)


def read_only_descriptor() -> None:
    """A descriptor without the right to write maps nothing."""
    enter()
    areas = Areas(os.O_RDONLY)
    for name in areas.places:
        refused(errno.EINVAL, areas.map, name, PROT_READ)


def grown() -> None:
    """mremap() neither grows nor doubles a mapping; it may shrink and move it."""
    enter()
    areas = Areas()
    for name, (_, size) in areas.places.items():
        address = areas.map(name, PROT_READ)
        for old, new in ((size, size + PAGE), (0, size), (0, PAGE)):
            refused(errno.EFAULT, libc.mremap, address, old, new, libc.MREMAP_MAYMOVE)
        if size > PAGE:
            libc.mremap(address, size, PAGE, libc.MREMAP_MAYMOVE)


def mapped_rings_stay() -> None:
    """A ring is not exchanged while any part of it is mapped, however it was cut, moved or inherited."""
    enter()
    areas = Areas()
    _, size = areas.places["payload"]
    address = areas.map("payload", PROT_READ)
    holds(size >= 4 * PAGE, "room to cut")

    def resize() -> None:
        ioctl(areas.fd, abi.IOC_RESIZE, RingOptions(0, 64, frame_size=256).pack())

    refused(errno.EBUSY, resize)
    libc.munmap(address + PAGE, PAGE)  # a hole: two parts
    refused(errno.EBUSY, resize)
    libc.munmap(address, PAGE)
    refused(errno.EBUSY, resize)
    libc.munmap(address + 2 * PAGE, size - 2 * PAGE)
    resize()
    again = areas.map("answer", PROT_READ)
    refused(errno.EBUSY, resize)
    libc.munmap(again, areas.places["answer"][1])
    resize()


def children_have_no_mapping() -> None:
    """A child that looks at the ring is ended; the parent's ring is whole."""
    enter(chain("output", "udp dport 7000 queue num 0"))
    flow, handler = Flow(), Handler()
    flow.send(3)
    places = _mappings()
    same(len(places), 3, "mappings")
    for place, _ in places:

        def look(place: int = place) -> None:
            ctypes.string_at(place, 4)

        look()
        same(wait(start(look)), -11, "child that looks at the parent's mapping")
    handler.answer_all()
    same(flow.arrived(), [0, 1, 2], "the parent's packets")


def children_unmap_nothing() -> None:
    """A child that collects, closes or keeps its parent's queue leaves alone what lies where the ring was."""
    enter()
    places: list[tuple[int, int]] = []

    def work(end: str) -> None:
        handlers = [Handler()]
        places[:] = _mappings()
        same(wait(start(lambda: _put_something_there(handlers, end))), 0, f"child, queue {end}")
        same(_mappings(), places, "mappings of the parent")
        handlers.pop().close()

    def _put_something_there(handlers: list[Handler], end: str) -> None:
        flags = libc.MAP_PRIVATE | libc.MAP_ANONYMOUS | libc.MAP_FIXED
        for place, size in places:
            libc.mmap(-1, size, BOTH, flags, 0, at=place)
            ctypes.memset(place, 0x5A, size)
        if end == "closed":
            handlers[0].device.close()
        if end != "kept":
            handlers.clear()
        gc.collect()
        for place, size in places:
            same(ctypes.string_at(place, size), b"\x5a" * size, "what lies there")

    for end in ("collected", "closed", "kept"):
        work(end)


def _mappings() -> list[tuple[int, int]]:
    """Return address and size of each area that this process has mapped."""
    found = []
    with open("/proc/self/maps") as file:  # noqa: PTH123 start-up time
        for line in file:
            if line.rstrip().endswith(abi.DEVICE):
                start, end = (int(word, 16) for word in line.split()[0].split("-"))
                found.append((start, end - start))
    return sorted(found)


def unmapped_at_work() -> None:
    """A handler that unmaps with packets in the ring: they wait, and are there when it maps again."""
    enter(chain("output", "udp dport 7000 queue num 0"))
    flow = Flow()
    areas = Areas(timeout_ms=0)
    places = [areas.map(name, PROT_READ) for name in areas.places]
    flow.send(5)
    for address, (_, size) in zip(places, areas.places.values(), strict=True):
        libc.munmap(address, size)
    flow.send(5)
    ioctl(areas.fd, abi.IOC_KICK)
    counters = bytearray(abi.STATS.size)
    ioctl(areas.fd, abi.IOC_STATS, counters)
    same(abi.STATS.unpack(counters)[:6], (10, 10, 0, 0, 0, 10), "frames out")
    os.close(areas.fd)
    same(flow.arrived(), [], "default action")
    same(flow.outstanding(), 0, "bytes held")
