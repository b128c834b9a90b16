# SPDX-License-Identifier: MIT
"""Run sessions of calls that somebody made up, and compare each answer with the model's: ``calls.py FILE``.

FILE is JSON, compressed by zlib: a list of sessions, which are lists of calls, each the name of a method
of Session and its arguments. Prints one line of JSON: counts of answers by call, and the sessions that
went wrong, with every call left out that does not matter.
"""

import contextlib
import ctypes
import errno
import json
import os
import random
import select
import sys
import zlib
from collections import Counter
from fcntl import ioctl
from typing import Any

import libc
from call_model import PAGE, File, Model
from checks import holds, same
from fastqueue import Stats, abi
from fields import pack_ring, pack_settings
from lane import Flow, chain, conserved, enter, lines
from limits import set_limit

LIMIT = 2 << 20
NUMBERS = 3  # descriptors, queues, flows
_NO_FD = 999
_Call = list[Any]

counts: Counter[str] = Counter()


class Session:
    """Descriptors, mappings and the model, from nothing to nothing."""

    def __init__(self, flows: list[Flow]) -> None:
        self._flows = flows
        self._model = Model(LIMIT)
        self._fds: dict[int, int] = {}
        self._places: dict[int, tuple[int, int]] = {}  # address and size of mappings
        self._answered: list[int] = []

    def _judge(self, name: str, found: int, right: set[int]) -> bool:
        counts[f"{name} {errno.errorcode.get(found, found or 'done')}"] += 1
        wanted = {errno.errorcode.get(each, each) for each in right}
        holds(found in right, f"{name}: {errno.errorcode.get(found, found)}, wanted {wanted}")
        return found == 0

    def _ask(self, fd: int, number: int, data: bytes | bytearray | int) -> int:
        try:
            ioctl(self._fds.get(fd, _NO_FD), number, data)
        except OSError as error:
            return error.errno or -1
        return 0

    def open(self, fd: int, may_write: bool) -> None:
        self.close(fd)
        self._fds[fd] = os.open(abi.DEVICE, os.O_RDWR if may_write else os.O_RDONLY)
        self._model.files[fd] = File(may_write)

    def close(self, fd: int) -> None:
        if fd in self._fds:
            os.close(self._fds.pop(fd))
            del self._model.files[fd]

    def dup(self, fd: int, other: int) -> None:
        if fd in self._fds and fd != other:
            self.close(other)
            self._fds[other] = os.dup(self._fds[fd])
            self._model.files[other] = self._model.files[fd]

    def alloc(self, fd: int, ring: dict[str, int]) -> None:
        right = self._model.alloc(fd, ring)
        if self._judge("alloc", self._ask(fd, abi.IOC_ALLOC, pack_ring(ring)), right):
            self._model.allocated(fd, ring)

    def resize(self, fd: int, ring: dict[str, int]) -> None:
        right = self._model.resize(fd, ring)
        if self._judge("resize", self._ask(fd, abi.IOC_RESIZE, pack_ring(ring)), right):
            self._model.resized(fd, ring)

    def set(self, fd: int, settings: dict[str, int]) -> None:
        self._judge("set", self._ask(fd, abi.IOC_SET, pack_settings(settings)), self._model.set(fd, settings))

    def kick(self, fd: int) -> None:
        self._judge("kick", self._ask(fd, abi.IOC_KICK, 0), self._model.plain(fd))

    def stats(self, fd: int) -> None:
        data = bytearray(abi.STATS.size)
        if self._judge("stats", self._ask(fd, abi.IOC_STATS, data), self._model.plain(fd)):
            conserved(Stats.unpack(data))

    def unknown(self, fd: int, number: int) -> None:
        known = {abi.IOC_ALLOC, abi.IOC_KICK, abi.IOC_SET, abi.IOC_STATS, abi.IOC_RESIZE, abi.IOC_WAIT}
        wrong = abi.IOC_MAGIC << 8 | number
        if wrong not in known:
            self._judge("unknown", self._ask(fd, wrong, 0), self._model.unknown(fd))

    def nowhere(self, fd: int, which: int) -> None:
        """Ask with an address where nothing is."""
        number = (abi.IOC_ALLOC, abi.IOC_RESIZE, abi.IOC_SET, abi.IOC_STATS)[which]
        right = self._model.plain(fd)
        if right == {0} or (which < 2 and right != {errno.EBADF}):
            right = {errno.EFAULT}
        self._judge("nowhere", self._ask(fd, number, 16), right)

    def poll(self, fd: int) -> None:
        poller = select.poll()
        poller.register(self._fds.get(fd, _NO_FD), select.POLLIN)
        found = dict(poller.poll(0)).popitem()[1] if poller.poll(0) else 0
        right = {errno.EBADF: {select.POLLNVAL}, errno.ENXIO: {select.POLLERR}, 0: {0, select.POLLIN}}
        holds(found in right[self._model.plain(fd).pop()], f"poll: {found}")

    def mmap(self, number: int, fd: int, area: int, beside: list[int], kind: list[int]) -> None:
        """Map an area, or what lies ``beside`` it; ``kind``: protection and flags."""
        self.munmap(number, 0, 1 << 20)
        place = self._model.place(fd, area, *beside)
        protection, flags = kind
        right = self._model.mmap(fd, place, protection, flags)
        address, found = 0, 0
        try:
            address = libc.mmap(self._fds.get(fd, _NO_FD), place[1], protection, flags, place[0])
        except OSError as error:
            found = error.errno or -1
        if self._judge("mmap", found, right):
            self._model.mapped(number, fd, place)
            self._places[number] = (address, place[1])

    def munmap(self, number: int, first: int, pages: int) -> None:
        """Unmap some pages of a mapping, perhaps in its middle."""
        if number not in self._places:
            return
        address, size = self._places[number]
        first %= size // PAGE
        last = min(first + pages, size // PAGE)
        libc.munmap(address + first * PAGE, (last - first) * PAGE)
        left = self._model.maps[number].pages
        left.difference_update(range(first, last))
        if not left:
            del self._model.maps[number], self._places[number]

    def _whole(self, number: int) -> bool:
        return (
            number in self._places and len(self._model.maps[number].pages) == self._places[number][1] // PAGE
        )

    def mprotect(self, number: int, protection: int) -> None:
        if self._whole(number):
            found = 0
            try:
                libc.mprotect(*self._places[number], protection)
            except OSError as error:
                found = error.errno or -1
            self._judge("mprotect", found, self._model.mprotect(number, protection))

    def mremap(self, number: int, pages: int) -> None:
        """Grow, which is refused, or move a whole mapping."""
        if self._whole(number):
            address, size = self._places[number]
            found = 0
            try:
                address = libc.mremap(address, size, size + pages * PAGE, libc.MREMAP_MAYMOVE)
            except OSError as error:
                found = error.errno or -1
            if self._judge("mremap", found, {errno.EFAULT} if pages else {0}):
                self._places[number] = (address, size)

    def send(self, queue: int, packets: int) -> None:
        with contextlib.suppress(BlockingIOError, PermissionError):  # a local sender is told of a drop
            self._flows[queue].send(packets)
        for each in self._model._queues():
            if each.number == queue:
                each.most = min(each.frames, each.most + packets)

    def scribble(self, number: int, seed: int) -> None:
        """Write words of which many say something, where the answer area is mapped and may be written."""
        if self._whole(number) and self._model.maps[number].area == 0:
            address, _ = self._places[number]
            libc.mprotect(address, PAGE, libc.PROT_READ | libc.PROT_WRITE)
            source = random.Random(seed)
            kinds = (lambda: 6, lambda: 2, lambda: source.getrandbits(8), lambda: source.getrandbits(32))
            words = [source.choice(kinds)() & ~0x10 for _ in range(64)]  # no REPEAT: each packet once
            data = b"".join(word.to_bytes(4, "little") for word in words)
            ctypes.memmove(address, data, len(data))

    def end(self) -> None:
        """Let go of all; nothing may be left."""
        for number in list(self._places):
            self.munmap(number, 0, 1 << 20)
        for fd in list(self._fds):
            self.close(fd)
        same(lines(), [], "queues at the end")
        for flow in self._flows:
            flow.contents()
            same(flow.outstanding(), 0, "bytes held at the end")


def _fails(calls: list[_Call], flows: list[Flow]) -> str:
    """Run a session; return what was wrong, or nothing."""
    session = Session(flows)
    try:
        for name, *arguments in calls:
            getattr(session, name)(*arguments)
        problem = ""
    except AssertionError as error:
        problem = str(error)
    try:
        session.end()
    except AssertionError as error:
        problem = problem or str(error)
    return problem


def _smallest(calls: list[_Call], flows: list[Flow]) -> list[_Call]:
    """Leave out every call without which the session still goes wrong."""
    place = 0
    while place < len(calls):
        shorter = calls[:place] + calls[place + 1 :]
        if _fails(shorter, flows):
            calls = shorter
        else:
            place += 1
    return calls


def main(path: str) -> None:
    """Run all sessions of a file."""
    rules = "; ".join(f"udp dport {7000 + number} queue num {number}" for number in range(NUMBERS))
    enter(chain("output", rules))
    flows = [Flow(port=7000 + number) for number in range(NUMBERS)]
    set_limit(LIMIT)
    with open(path, "rb") as file:  # noqa: PTH123 start-up time
        sessions = json.loads(zlib.decompress(file.read()))
    wrong = []
    for calls in sessions:
        if problem := _fails(calls, flows):
            smallest = _smallest(calls, flows)
            wrong.append([_fails(smallest, flows) or problem, smallest])
    set_limit(64 << 20)
    print(json.dumps({"sessions": len(sessions), "counts": counts, "wrong": wrong[:5]}))


if __name__ == "__main__":
    main(sys.argv[1])
