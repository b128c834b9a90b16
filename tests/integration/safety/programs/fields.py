# SPDX-License-Identifier: MIT
"""Every field of every structure, right and wrong: the kernel says what docs/abi.md says."""

import ctypes
import errno
import mmap
import os
import random
from collections.abc import Callable, Mapping
from fcntl import ioctl
from struct import Struct

import libc
from checks import holds, refused, same
from fastqueue import abi
from lane import enter, lines

#: Struct formats with the reserved words told apart.
RING = Struct("=16I6Q")
SETTINGS = Struct("=8I")

U32 = 0xFFFFFFFF
Values = dict[str, int]
Valid = Callable[[int, Mapping[str, int]], bool]

RING_FIELDS = ("version", "size", "queue", "frames", "frame_size", "copy_range", "default_action",
               "period_us", "timeout_ms", "flags", *(f"reserved{n}" for n in range(6)))  # fmt: skip
SETTING_FIELDS = ("fields", "default_action", "period_us", "timeout_ms", "copy_range",
                  "limit", "flags", "reserved")  # fmt: skip

#: What may be in a field, as the header and docs/abi.md say; all else is EINVAL.
RING_RULES: dict[str, Valid] = {
    "queue": lambda value, _: value <= abi.MAX_QUEUE,
    "frames": lambda value, _: 8 <= value <= 65536 and value & value - 1 == 0,
    "frame_size": lambda value, _: 64 <= value <= 65536 and value % 64 == 0,
    "copy_range": lambda value, ring: value <= ring["frame_size"],
    "default_action": lambda value, _: value in {abi.DROP, abi.ACCEPT},
    "period_us": lambda value, _: not value or 50 <= value <= 1_000_000,
    "timeout_ms": lambda value, _: True,
    "flags": lambda value, _: value <= abi.F_ALL,
    **{f"reserved{n}": lambda value, _: value == 0 for n in range(6)},
}
GOOD_RING = {"version": abi.ABI_VERSION, "size": 112, "queue": 0, "frames": 8, "frame_size": 64,
             "copy_range": 0, "default_action": 0, "period_us": 0, "timeout_ms": 0, "flags": 0}  # fmt: skip
SETTING_RULES: dict[str, tuple[int, Valid]] = {  # the bit that says that it is meant
    "default_action": (abi.SET_DEFAULT_ACTION, lambda value, _: value in {abi.DROP, abi.ACCEPT}),
    "period_us": (abi.SET_PERIOD, lambda value, _: 50 <= value <= 1_000_000),
    "timeout_ms": (abi.SET_TIMEOUT, lambda value, _: True),
    "copy_range": (abi.SET_COPY_RANGE, lambda value, ring: 1 <= value <= ring["frame_size"]),
    "limit": (abi.SET_LIMIT, lambda value, _: True),
    "flags": (abi.SET_FLAGS, lambda value, _: not value & ~abi.F_LIVE),
}
EDGES = (0, 1, 2, 7, 8, 9, 49, 50, 63, 64, 65, 112, 128, 65535, 65536, 65537, 1_000_000, 1_000_001,
         0x3F, 0x40, 0x7FFFFFFF, 0x80000000, U32)  # fmt: skip


def ring_answer(ring: Mapping[str, int]) -> int:
    """Return the errno that ALLOC has for it, 0 for none; memory aside."""
    if ring["version"] != abi.ABI_VERSION or ring["size"] != abi.RING.size:
        return errno.EPROTO
    right = all(rule(ring.get(name, 0), ring) for name, rule in RING_RULES.items())
    return 0 if right else errno.EINVAL


def settings_answer(settings: Mapping[str, int], frame_size: int) -> int:
    """Return the errno that SET has for it, 0 for none."""
    shape = {"frame_size": frame_size}
    right = settings["fields"] <= abi.SET_ALL and not settings.get("reserved", 0)
    for name, (bit, rule) in SETTING_RULES.items():
        right = right and (not settings["fields"] & bit or rule(settings.get(name, 0), shape))
    return 0 if right else errno.EINVAL


def pack_ring(ring: Mapping[str, int]) -> bytearray:
    """Return struct fastqueue_ring."""
    return bytearray(RING.pack(*(ring.get(name, 0) for name in RING_FIELDS), *[random.getrandbits(64)] * 6))


def pack_settings(settings: Mapping[str, int]) -> bytes:
    """Return struct fastqueue_settings."""
    return SETTINGS.pack(*(settings.get(name, 0) for name in SETTING_FIELDS))


def _ask(fd: int, number: int, data: bytes | bytearray) -> int:
    try:
        ioctl(fd, number, data)
    except OSError as error:
        return error.errno or -1
    return 0


def _try_ring(ring: Mapping[str, int]) -> int:
    fd = os.open(abi.DEVICE, os.O_RDWR)
    found = _ask(fd, abi.IOC_ALLOC, pack_ring(ring))
    os.close(fd)
    wanted = ring_answer(ring)
    if not (wanted == 0 and found == errno.ENOMEM):  # a valid ring may be too large for this machine
        same(errno.errorcode.get(found, found), errno.errorcode.get(wanted, wanted), f"ALLOC of {ring}")
    return found


def each_ring_field() -> None:
    """One field at a time at the edges of what it may be, and at random."""
    enter()
    for name in RING_FIELDS:
        for value in (*EDGES, *(random.getrandbits(32) for _ in range(4))):
            _try_ring({**GOOD_RING, name: value})


def random_rings() -> None:
    """All fields at once, some good, some not."""
    enter()
    ends = {_try_ring(_random_ring()) for _ in range(1500)}
    holds({0, errno.EINVAL, errno.EPROTO} <= ends, f"all kinds of answers were met: {ends}")


def _random_ring() -> Values:
    ring: Values = dict(GOOD_RING)
    for _ in range(random.randrange(4)):
        ring[random.choice(RING_FIELDS)] = random.choice((random.choice(EDGES), random.getrandbits(32)))
    return ring


def each_setting_field() -> None:
    """SET, one field at a time, meant and not meant; then at random."""
    enter()
    fd = os.open(abi.DEVICE, os.O_RDWR)
    ioctl(fd, abi.IOC_ALLOC, pack_ring(GOOD_RING))
    for name in SETTING_FIELDS[1:]:
        for value in EDGES:
            for fields in (0, SETTING_RULES.get(name, (abi.SET_ALL,))[0], abi.SET_ALL):
                _try_settings(
                    fd,
                    {"default_action": 1, "period_us": 1000, "copy_range": 64, "fields": fields, name: value},
                )
    for _ in range(1500):
        _try_settings(fd, {name: random.choice((*EDGES, random.getrandbits(32))) for name in SETTING_FIELDS})
        _try_settings(fd, {name: random.choice((0, 1, 64, 50)) for name in SETTING_FIELDS[:5]})


def _try_settings(fd: int, settings: Mapping[str, int]) -> None:
    wanted = settings_answer(settings, GOOD_RING["frame_size"])
    found = _ask(fd, abi.IOC_SET, pack_settings(settings))
    same(errno.errorcode.get(found, found), errno.errorcode.get(wanted, wanted), f"SET of {settings}")


def settings_all_or_none() -> None:
    """A SET with one wrong field changes nothing."""
    enter()
    fd = os.open(abi.DEVICE, os.O_RDWR)
    ioctl(fd, abi.IOC_ALLOC, pack_ring(GOOD_RING))
    wrong = {"fields": abi.SET_ALL, "default_action": 1, "period_us": 77, "copy_range": 65}
    same(_ask(fd, abi.IOC_SET, pack_settings(wrong)), errno.EINVAL, "SET")
    with open("/proc/thread-self/net/fastqueue") as file:  # noqa: PTH123 start-up time
        same(file.read().split()[-3:-1], ["1000", "drop"], "period and default action")


def resize_answers() -> None:
    """RESIZE refuses what ALLOC refuses, and leaves the ring as it is."""
    enter()
    fd = os.open(abi.DEVICE, os.O_RDWR)
    same(_ask(fd, abi.IOC_RESIZE, pack_ring(GOOD_RING)), errno.ENXIO, "RESIZE without a ring")
    ioctl(fd, abi.IOC_ALLOC, pack_ring(GOOD_RING))
    for _ in range(800):
        ring = _random_ring()
        found, wanted = _ask(fd, abi.IOC_RESIZE, pack_ring(ring)), ring_answer(ring)
        if not (wanted == 0 and found == errno.ENOMEM):
            same(found, wanted, f"RESIZE to {ring}")


def without_a_ring() -> None:
    """All but ALLOC is ENXIO; poll says error."""
    enter()
    fd = os.open(abi.DEVICE, os.O_RDWR)
    for number in (abi.IOC_KICK, abi.IOC_SET, abi.IOC_STATS, abi.IOC_WAIT, 0xFA09, 0):
        same(_ask(fd, number, bytes(128)), errno.ENXIO, f"ioctl {number:#x}")
    refused(errno.EINVAL, os.read, fd, 10)
    refused(errno.EINVAL, os.write, fd, b"x")


def an_answer_that_cannot_be_given() -> None:
    """ALLOC reads memory that it could not write to: no ring that nobody knows of is left."""
    enter()
    fd = os.open(abi.DEVICE, os.O_RDWR)
    page = os.memfd_create("ring")
    os.write(page, pack_ring(GOOD_RING))
    address = libc.mmap(page, mmap.PAGESIZE, libc.PROT_READ, libc.MAP_SHARED, 0)
    same(_ask_at(fd, abi.IOC_ALLOC, address), errno.EFAULT, "ALLOC into memory that can only be read")
    same(_ask(fd, abi.IOC_KICK, bytes(8)), errno.ENXIO, "KICK, as there is no ring")
    same(lines(), [], "queues")


def unknown_numbers() -> None:
    """Numbers that are none, right numbers with other sizes among them: ENOTTY. No address: EFAULT."""
    enter()
    fd = os.open(abi.DEVICE, os.O_RDWR)
    same(_ask_at(fd, abi.IOC_ALLOC, 16), errno.EFAULT, "ALLOC from nowhere")
    ioctl(fd, abi.IOC_ALLOC, pack_ring(GOOD_RING))
    without = {abi.IOC_KICK, abi.IOC_WAIT}  # an argument
    known = {abi.IOC_ALLOC, abi.IOC_SET, abi.IOC_STATS, abi.IOC_RESIZE} | without
    for number in [random.getrandbits(32) for _ in range(500)] + [
        each ^ 1 << bit for each in known for bit in range(32)
    ]:
        if number not in known and number >> 8 & 0xFF == abi.IOC_MAGIC:
            same(_ask_at(fd, number, 0), errno.ENOTTY, f"ioctl {number:#x}")
    for number in known - without:
        same(_ask_at(fd, number, 16), errno.EFAULT, f"ioctl {number:#x} with no memory")
    same(_ask(fd, abi.IOC_ALLOC, pack_ring(GOOD_RING)), errno.EBUSY, "a second ring")
    other = os.open(abi.DEVICE, os.O_RDWR)
    same(_ask(other, abi.IOC_ALLOC, pack_ring(GOOD_RING)), errno.EBUSY, "a second handler")


def _ask_at(fd: int, number: int, address: int) -> int:
    try:
        ioctl(fd, number, ctypes.c_long(address).value)  # takes no higher addresses otherwise
    except OSError as error:
        return error.errno or -1
    return 0
