# SPDX-License-Identifier: MIT
"""Child processes, and rings in them."""

import os
import random
import traceback
from collections.abc import Callable
from mmap import MAP_SHARED, PROT_READ, PROT_WRITE, mmap

from fastqueue.device import Device


def start(work: Callable[[], object]) -> int:
    """Run ``work()`` in a child; return its pid."""
    seed = random.getrandbits(32)
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        random.seed(seed)
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    os._exit(status)


def wait(pid: int) -> int:
    """Wait for its end; return the exit status, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def remap(device: Device) -> None:
    """Map the ring again, in a child that inherited the descriptor but no mapping."""
    both = PROT_READ | PROT_WRITE
    writable = both if device.ring.writable else PROT_READ
    maps = [
        mmap(device.fileno(), size, flags=MAP_SHARED, prot=protection, offset=offset)
        for (offset, size), protection in zip(device._places, (both, PROT_READ, writable), strict=True)
    ]
    answer, meta, payload = (memoryview(area) for area in maps)
    device.ring = type(device.ring)(answer, meta, payload, device.ring.frames, device.ring.frame_size)
