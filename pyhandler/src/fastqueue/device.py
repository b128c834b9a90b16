# SPDX-License-Identifier: MIT
"""The character device: open, allocate and map a ring, sleep, and control it."""

from __future__ import annotations

import errno
import os
import select
from fcntl import ioctl
from mmap import MAP_SHARED, PROT_READ, PROT_WRITE, mmap

from . import abi, backend, fork_guard
from .errors import QueueError, explain
from .options import RingOptions
from .ring import Poll, Ring
from .stats import Stats

_Places = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]  # offset and size of the areas


class Device:
    """An open ``/dev/fastqueue`` with its ring.

    A child of ``fork()`` has the descriptor, but the ring is its parent's: ``ring`` is released there.

    ``poll(ms)`` is the bound method of a ``select.poll`` object: it lets the sender settle
    answered frames and then sleeps until there are new ones (``None``: for ever).
    """

    poll: Poll
    ring: Ring

    def __init__(self, request: RingOptions, path: str = abi.DEVICE) -> None:
        """Bind ``request.queue`` and map its ring. Raises QueueError."""
        request.check()
        backend.current.check()  # before the queue has a handler
        self._queue = request.queue
        self._path = path
        self._maps: list[mmap] = []
        self._fd = -1
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            fork_guard.watch(self)
            self._places = self._ask_for_ring(abi.IOC_ALLOC, request)
            self._map(request.writable)
            self.ring = backend.current.ring(*self._views(), request.frames, request.frame_size)
        except OSError as error:
            self.close()
            raise explain(error, queue=request.queue, path=path) from error
        poller = select.poll()
        poller.register(self._fd, select.POLLIN)
        self.poll = poller.poll

    def _ask_for_ring(self, number: int, request: RingOptions) -> _Places:
        parameters = request.pack()
        ioctl(self._fd, number, parameters)
        *_, answer_at, answer_size, meta_at, meta_size, payload_at, payload_size = abi.RING.unpack(parameters)
        return (answer_at, answer_size), (meta_at, meta_size), (payload_at, payload_size)

    def _map(self, writable: bool) -> None:
        both = PROT_READ | PROT_WRITE
        accesses = (both, PROT_READ, both if writable else PROT_READ)
        for (offset, size), access in zip(self._places, accesses, strict=True):
            self._maps.append(mmap(self._fd, size, flags=MAP_SHARED, prot=access, offset=offset))

    def _views(self) -> tuple[memoryview, memoryview, memoryview]:
        answer, meta, payload = self._maps
        return memoryview(answer), memoryview(meta), memoryview(payload)

    def resize(self, request: RingOptions) -> None:
        """Exchange the ring for one of other sizes; on failure the old one stays. Raises QueueError.

        Where there is no memory left to map either of them, the queue is closed.
        """
        request.check()
        self.fileno()
        old = self.ring
        old.publish()
        old.release()
        try:
            self._maps[-1].close()  # the payload: all that a frame lends out
        except BufferError as error:
            old.attach(*self._views())
            raise QueueError("bytes of a frame are held", "let go of all payloads before resizing") from error
        self._unmap()
        try:
            self._places = self._ask_for_ring(abi.IOC_RESIZE, request)
        except OSError as error:
            self._map_again(request)
            old.attach(*self._views())
            if error.errno == errno.EBUSY:
                raise QueueError(
                    "more packets are out than the new ring holds", "answer them first", errno.EBUSY
                ) from error
            raise explain(error, queue=self._queue, path=self._path) from error
        self._map_again(request)
        self.ring = backend.current.ring(*self._views(), request.frames, request.frame_size)

    def _map_again(self, request: RingOptions) -> None:
        try:
            self._map(request.writable)
        except OSError as error:
            self.close()
            remedy = "free memory, then open the queue again"
            raise QueueError(
                "no memory to map the ring: the queue is closed", remedy, error.errno or 0
            ) from error

    def _unmap(self) -> bool:
        """Unmap all areas; False when some frame's bytes are held, whose mapping goes with them."""
        maps, self._maps = self._maps, []
        free = self.ring.release() if hasattr(self, "ring") else True
        for area in maps:
            try:
                area.close()
            except BufferError:
                free = False
        return free

    def abandon(self) -> list[mmap]:
        """Forget all mappings without unmapping, and return them: in a child of fork() there are none."""
        maps, self._maps = self._maps, []
        if hasattr(self, "ring"):
            self.ring.release()
        return maps

    def fileno(self) -> int:
        """Return the file descriptor, readable while there are frames to look at. Raises when closed."""
        if self._fd < 0:
            raise QueueError("the queue is closed", "open it again")
        return self._fd

    def kick(self) -> None:
        """Let the sender settle answered frames now. Raises QueueError."""
        self._control(abi.IOC_KICK, b"")

    def set(self, settings: bytes) -> None:
        """Hand ``struct fastqueue_settings`` to the kernel. Raises QueueError."""
        self._control(abi.IOC_SET, settings)

    def stats(self) -> Stats:
        """Read the queue's counters. Raises QueueError."""
        counters = bytearray(abi.STATS.size)
        self._control(abi.IOC_STATS, counters)
        return Stats.unpack(counters)

    def _control(self, number: int, data: bytes | bytearray) -> None:
        try:
            ioctl(self.fileno(), number, data)
        except OSError as error:
            raise explain(error, queue=self._queue, path=self._path) from error

    def close(self) -> bool:
        """Unmap and close; the kernel gives outstanding frames the default action.

        False when somebody still holds a frame's bytes: a mapping cannot go
        before them, and keeps the queue until they are dropped.
        """
        fd, self._fd = self._fd, -1
        free = self._unmap()
        if fd >= 0:
            os.close(fd)
        return free
