# SPDX-License-Identifier: MIT
"""What the kernel must say to calls on /dev/fastqueue, in any order: docs/abi.md as a machine with states."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastqueue import abi
from fields import ring_answer, settings_answer
from libc import MAP_PRIVATE, PROT_EXEC, PROT_WRITE

PAGE = 4096
_SLOT = 24 if os.uname().machine == "x86_64" else 16  # bytes of struct fq_slot
Ring = Mapping[str, int]
Answers = set[int]  # errnos that are right, 0 for success; where a call is wrong twice, either may be told


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE


@dataclass
class Queue:
    """A file's queue; ``most`` packets may be in its frames."""

    number: int
    frames: int
    frame_size: int
    writable: bool
    most: int = 0

    def areas(self) -> list[tuple[int, int]]:
        """Return offset and size of each area."""
        of_frames = (64 + 20 * self.frames, 64 + 96 * self.frames, self.frames * self.frame_size)
        sizes = [_pages(size) for size in of_frames]
        return [(sum(sizes[:place]), size) for place, size in enumerate(sizes)]

    def charge(self) -> int:
        """Return the bytes that it counts for."""
        return sum(size for _, size in self.areas()) + _pages(self.frames * _SLOT)


@dataclass(eq=False)
class File:
    """An open file, which descriptors and mappings share."""

    may_write: bool
    queue: Queue | None = None


@dataclass(eq=False)
class Mapped:
    """What is left of a mapping: numbers of its pages."""

    file: File
    area: int
    pages: set[int] = field(default_factory=set)


def _wanted(ring: Ring, flags: int) -> Queue:
    get = ring.get
    return Queue(get("queue", 0), get("frames", 0), get("frame_size", 0), bool(flags & abi.F_WRITABLE))


class Model:
    """Descriptors and mappings by numbers of the caller's choice, and what is right for each call."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.files: dict[int, File] = {}
        self.maps: dict[int, Mapped] = {}

    def _queues(self) -> list[Queue]:
        files = {*self.files.values(), *(mapped.file for mapped in self.maps.values())}
        return [each.queue for each in files if each.queue]

    def _fits(self, ring: Ring) -> bool:
        return sum(queue.charge() for queue in self._queues()) + _wanted(ring, 0).charge() <= self.limit

    def alloc(self, fd: int, ring: Ring) -> Answers:
        """FASTQUEUE_IOC_ALLOC."""
        if fd not in self.files:
            return {errno.EBADF}
        wrong = {errno.EBUSY} if self.files[fd].queue else set()
        if answer := ring_answer(ring):
            return wrong | {answer}
        if any(queue.number == ring["queue"] for queue in self._queues()):
            wrong.add(errno.EBUSY)
        if not self._fits(ring):
            wrong.add(errno.ENOMEM)
        return wrong or {0}

    def allocated(self, fd: int, ring: Ring) -> None:
        """It did."""
        self.files[fd].queue = _wanted(ring, ring.get("flags", 0))

    def resize(self, fd: int, ring: Ring) -> Answers:
        """FASTQUEUE_IOC_RESIZE."""
        if fd not in self.files:
            return {errno.EBADF}
        file = self.files[fd]
        if not file.queue:
            return {errno.ENXIO}
        wrong = {answer} if (answer := ring_answer(ring)) else set()
        if not wrong and not self._fits(ring):
            wrong.add(errno.ENOMEM)
        if any(mapped.file is file for mapped in self.maps.values()):
            wrong.add(errno.EBUSY)
        if wrong:
            return wrong
        return {0, errno.EBUSY} if file.queue.most > ring["frames"] else {0}

    def resized(self, fd: int, ring: Ring) -> None:
        """It did."""
        queue = self.files[fd].queue
        assert queue
        queue.frames, queue.frame_size = ring["frames"], ring["frame_size"]

    def set(self, fd: int, settings: Ring) -> Answers:
        """FASTQUEUE_IOC_SET."""
        return self.plain(fd) if self.plain(fd) != {0} else {settings_answer(settings, self._size(fd))}

    def _size(self, fd: int) -> int:
        queue = self.files[fd].queue
        return queue.frame_size if queue else 0

    def plain(self, fd: int) -> Answers:
        """KICK, STATS."""
        if fd not in self.files:
            return {errno.EBADF}
        return {0} if self.files[fd].queue else {errno.ENXIO}

    def unknown(self, fd: int) -> Answers:
        """A number that is none."""
        return self.plain(fd) if self.plain(fd) != {0} else {errno.ENOTTY}

    def place(self, fd: int, area: int, by: int, longer: int) -> tuple[int, int]:
        """Return an offset and a size to map: an area's, and pages beside it."""
        file = self.files.get(fd)
        offset, size = file.queue.areas()[area] if file and file.queue else (0, PAGE)
        return max(0, offset + by * PAGE), max(PAGE, size + longer * PAGE)

    def mmap(self, fd: int, place: tuple[int, int], protection: int, flags: int) -> Answers:
        """Map an area."""
        if fd not in self.files:
            return {errno.EBADF}
        file = self.files[fd]
        wrong: Answers = set()
        if not file.may_write:
            wrong.add(errno.EINVAL)  # shared but read-only is private to the kernel
            if protection & PROT_WRITE and flags & 3 != MAP_PRIVATE:
                wrong.add(errno.EACCES)
        if not file.queue:
            return wrong | {errno.ENXIO}
        areas = file.queue.areas()
        if flags & 3 == MAP_PRIVATE or place not in areas:
            wrong.add(errno.EINVAL)
        if protection & PROT_EXEC:
            wrong.add(errno.EPERM)
        read_only = place == areas[1] or (place == areas[2] and not file.queue.writable)
        if protection & PROT_WRITE and (read_only or place not in areas):
            wrong.add(errno.EPERM if read_only else errno.EINVAL)
        return wrong or {0}

    def mapped(self, number: int, fd: int, place: tuple[int, int]) -> None:
        """It did."""
        file = self.files[fd]
        assert file.queue
        self.maps[number] = Mapped(file, file.queue.areas().index(place), set(range(place[1] // PAGE)))

    def mprotect(self, number: int, protection: int) -> Answers:
        """Change what may be done with a mapping."""
        mapped = self.maps[number]
        queue = mapped.file.queue
        fixed = mapped.area == 1 or (mapped.area == 2 and not (queue and queue.writable))
        return {errno.EACCES} if protection & PROT_EXEC or (protection & PROT_WRITE and fixed) else {0}
