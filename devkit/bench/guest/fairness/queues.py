# SPDX-License-Identifier: MIT
"""Queues of this network namespace that are full of small packets from this process to itself."""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import subprocess
from collections.abc import Sequence
from fcntl import ioctl

from fastqueue import Stats, abi

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
TABLE = "inet fairness"
_PR_SET_DUMPABLE = 4
_LOOPBACK = "127.0.0.1"
_FIRST_PORT = 7000
_PACKET = bytes(8)
#: A large packet: its bytes behind the headers, and what it has with those of IPv4 and UDP.
_LARGE = bytes(60_000)
_LARGE_PACKET = len(_LARGE) + 28

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave the parent's namespaces; OSError if the kernel refuses."""
    if _libc.unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")


def become_unprivileged(user: int = 1000) -> None:
    """Give up root for good, and be root of a new user namespace and its network namespace."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _libc.prctl(_PR_SET_DUMPABLE, 1)  # else /proc/self belongs to root
    unshare(CLONE_NEWUSER | CLONE_NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {user} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 start-up time
            file.write(text)


def set_up(queues: int) -> None:
    """Have packets that arrive at a port of the loopback queued, in a new network namespace."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    rules = "; ".join(f"udp dport {_FIRST_PORT + number} queue num {number}" for number in range(queues))
    chain = f"chain input {{ type filter hook input priority 0; {rules}; }}"
    subprocess.run(["nft", f"table {TABLE} {{ {chain}; }}"], check=True)


class Queue:
    """A queue and the sender of its packets.

    frames:         of its ring, each with room for ``frame_size`` bytes
    period_us:      of its timer
    default_action: abi.DROP or abi.ACCEPT
    """

    def __init__(
        self,
        number: int,
        frames: int,
        *,
        frame_size: int = abi.MIN_FRAME_SIZE,
        period_us: int = 1000,
        flags: int = 0,
        default_action: int = abi.DROP,
    ) -> None:
        """Allocate the ring; OSError if the module refuses it."""
        self.frames = frames
        self._number = number
        self._rest = (default_action, period_us, 0, flags)
        self.file = os.open(abi.DEVICE, os.O_RDWR)
        self._areas = self._ask(abi.IOC_ALLOC, frame_size)
        self._receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver.bind((_LOOPBACK, _FIRST_PORT + number))
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sender.connect((_LOOPBACK, _FIRST_PORT + number))
        self._mapped: list[mmap.mmap] = []
        self._words = self._status = memoryview(b"")

    def _ask(self, call: int, frame_size: int) -> Sequence[int]:
        head = (abi.ABI_VERSION, abi.RING.size, self._number, self.frames, frame_size, 0, *self._rest)
        data = bytearray(abi.RING.pack(*head, *[0] * 6))
        ioctl(self.file, call, data)
        return tuple(abi.RING.unpack(data))[-6:]

    def map(self) -> None:
        """Map the answers and the status."""
        answer_at, answer_size, meta_at, meta_size, payload_at, payload_size = self._areas
        answers = mmap.mmap(self.file, answer_size, offset=answer_at)
        status = mmap.mmap(self.file, meta_size, prot=mmap.PROT_READ, offset=meta_at)
        self._mapped = [answers, status]
        if self._rest[-1] & abi.F_WRITABLE:
            self._payload = mmap.mmap(self.file, payload_size, offset=payload_at)
            self._mapped.append(self._payload)
        end = abi.WORDS_OFFSET + 4 * self.frames
        self._words = memoryview(answers)[abi.WORDS_OFFSET : end].cast("I")
        self._status = memoryview(status)[: abi.STATUS_SIZE].cast("I")

    def unmap(self) -> None:
        """Give the mappings back: a queue lives as long as one of them."""
        self._words.release()
        self._status.release()
        while self._mapped:
            self._mapped.pop().close()

    def fill(self, packets: int | None = None) -> int:
        """Send ``packets``, or as many as there are frames; return how many are in the ring."""
        for _ in range(self.frames if packets is None else packets):
            self._sender.send(_PACKET)
        return self.occupied()

    def fill_large(self) -> int:
        """Send a large packet for each frame; return how many are in the ring."""
        for _ in range(self.frames):
            self._sender.send(_LARGE)
        return self.occupied()

    def change_all(self) -> None:
        """Accept all frames of the first lap, large packets whose last byte is changed."""
        answers = self._mapped[0]
        for index in range(self.frames):
            self._payload[index * abi.MAX_FRAME_SIZE + _LARGE_PACKET - 1] = 1
            at = abi.WORDS_OFFSET + 4 * self.frames + abi.ANSWER.size * index
            abi.ANSWER.pack_into(answers, at, 0, 0, _LARGE_PACKET, 0, 0)
        self.answer_all(abi.ANSWER_ACCEPT | abi.WITH_PAYLOAD)

    def stats(self) -> Stats:
        """Ask the module for its counters."""
        data = bytearray(abi.STATS.size)
        ioctl(self.file, abi.IOC_STATS, data)
        return Stats.unpack(data)

    def occupied(self) -> int:
        """Return the number of packets in the ring."""
        return self.stats().occupied

    def lap(self, count: int) -> int:
        """Return the lap of frame ``count`` as its word has it."""
        return count // self.frames << abi.LAP_SHIFT & abi.LAP_MASK

    def answer(self, count: int, answer: int = abi.ANSWER_DROP) -> None:
        """Answer frame ``count``."""
        self._words[count % self.frames] = answer | self.lap(count)

    def answer_all(self, answer: int = abi.ANSWER_DROP) -> None:
        """Answer all frames of the first lap."""
        self._words[:] = memoryview(bytes(self.words_of(answer))).cast("I")

    def words_of(self, word: int) -> bytes:
        """Return ``word`` as often as there are frames."""
        return word.to_bytes(4, "little") * self.frames

    def store(self, words: memoryview) -> None:
        """Store all words at once, whatever they are."""
        self._words[:] = words

    def settled(self) -> int:
        """Return FP: all frames below it have left."""
        return self._status[abi.STATUS_FP]

    def set_period(self, period_us: int) -> None:
        """Set the period, which starts the timer anew."""
        ioctl(self.file, abi.IOC_SET, abi.SETTINGS.pack(abi.SET_PERIOD, 0, period_us, 0, 0, 0, 0))

    def kick(self) -> None:
        """Have everything that is answered sent."""
        ioctl(self.file, abi.IOC_KICK)

    def resize(self, frame_size: int) -> None:
        """Exchange the ring for one with other frames, which takes the packets along."""
        self._areas = self._ask(abi.IOC_RESIZE, frame_size)

    def close(self) -> None:
        """Close the only file of the queue, and the sockets."""
        os.close(self.file)
        self._sender.close()
        self._receiver.close()
