# SPDX-License-Identifier: MIT
"""A network namespace of the program's own, whose loopback traffic rules put into queues.

One process sends, handles and receives: a packet waits in its frame until this process answers it,
and when ``settle()`` returns it has arrived. So every interleaving is as it is written down.
"""

import contextlib
import fcntl
import os
import socket
import subprocess
import termios
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import libc
from barrier import Barrier
from checks import holds, same
from fastqueue import RingOptions, Stats, abi
from fastqueue.device import Device

PORT = 7000
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
#: Shows the devices of the network namespace in which it was mounted.
_SYSFS = "/run/safety-sysfs"
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


def nft(script: str) -> str:
    """Have nft do something; return what it printed."""
    return subprocess.run(["nft", script], check=True, capture_output=True, text=True).stdout


def deliver() -> None:
    """Let the kernel's softirq thread have its turn: some kernels leave it what others do at once."""
    for _ in range(3):
        os.sched_yield()


def ip(*lines: str) -> None:
    """Run ``ip`` with these commands."""
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", check=True, text=True)


def chain(hook: str, *rules: str, priority: int = 0, family: str = "inet", name: str = "") -> str:
    """Return what makes nft add a table with one base chain."""
    body = "; ".join(rules)
    head = f"type filter hook {hook} priority {priority}; policy accept"
    return f"table {family} t{name or hook} {{ chain {hook} {{ {head}; {body}; }}; }}"


def enter(*scripts: str) -> None:
    """Go into a new network namespace with a loopback and nft's ``scripts``."""
    libc.unshare(libc.CLONE_NEWNET)
    ip("link set lo up")
    if (os.cpu_count() or 1) > 1:
        _receive_in_order()
    for script in scripts:
        nft(script)


def _receive_in_order() -> None:
    """Have the loopback's packets received by one processor, in the order in which they leave.

    Else each processor receives what it sent, and one may be ahead of the other.
    """
    Path(_SYSFS).mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "sysfs", "sysfs", _SYSFS], check=True)
    Path(_SYSFS, "class/net/lo/queues/rx-0/rps_cpus").write_text("1")
    subprocess.run(["umount", _SYSFS], check=True)


class Flow:
    """UDP from this process to itself; each datagram has a number."""

    def __init__(self, version: int = 4, port: int = PORT, filler: int = 0) -> None:
        self.sent = 0
        self._barrier = Barrier()
        self._filler = bytes(filler)
        self._receiver = socket.socket(_FAMILY[version], socket.SOCK_DGRAM)
        self._receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
        self._receiver.bind((LOOPBACK[version], port))
        self.sender = socket.socket(_FAMILY[version], socket.SOCK_DGRAM)
        self.sender.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, 8 << 20)
        self.sender.setblocking(False)
        self.sender.connect((LOOPBACK[version], port))

    def to(self, address: str, port: int = PORT) -> socket.socket:
        """Return a socket that sends somewhere else."""
        other = socket.socket(self.sender.family, socket.SOCK_DGRAM)
        other.connect((address, port))
        return other

    def stream(self) -> socket.socket:
        """Return a TCP socket that has just begun to connect to nowhere."""
        client = socket.socket(self.sender.family, socket.SOCK_STREAM)
        client.setblocking(False)
        client.connect_ex(self.sender.getpeername())
        return client

    def close(self) -> None:
        """Close both sockets."""
        self.sender.close()
        self._receiver.close()
        self._barrier.close()

    def send(self, number: int = 1) -> range:
        """Send datagrams; return their numbers."""
        numbers = range(self.sent, self.sent + number)
        for each in numbers:
            self.sender.send(each.to_bytes(4, "big") + self._filler)
        self.sent += number
        return numbers

    def arrived(self) -> list[int]:
        """Return the numbers of what came since the last time."""
        return [int.from_bytes(data[:4], "big") for data in self.contents()]

    def contents(self) -> list[bytes]:
        """Return the datagrams that came since the last time."""
        self._barrier.wait()
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self._receiver.recv(65536, socket.MSG_DONTWAIT))
        return found

    def outstanding(self) -> int:
        """Return how many bytes of sent packets the kernel still holds."""
        value = fcntl.ioctl(self.sender, termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(value, "little")


class Handler:
    """A ring whose words are written by hand."""

    def __init__(self, queue: int = 0, frames: int = 8, **options: int | str) -> None:
        settings: dict[str, Any] = {"frame_size": 256, "timeout_ms": 0, **options}
        self.request = RingOptions(queue, frames, **settings)
        self.device = Device(self.request)
        self.answered = 0  # where answer() goes on

    @property
    def fa(self) -> int:
        """Frames published."""
        return self.device.ring.status[abi.STATUS_FA]

    @property
    def fp(self) -> int:
        """Frames settled."""
        return self.device.ring.status[abi.STATUS_FP]

    def word(self, count: int) -> int:
        """Return the word of frame ``count``."""
        ring = self.device.ring
        return ring.words[count & ring.mask]

    def put(self, count: int, answer: int, *, lap: int | None = None) -> None:
        """Answer frame ``count`` with ``abi.ANSWER_*`` and flags; ``lap`` as it stands in a word."""
        ring = self.device.ring
        ring.words[count & ring.mask] = (ring.lap_bits(count) if lap is None else lap) | answer

    def fields(
        self,
        count: int,
        mark: int = 0,
        priority: int = 0,
        length: int = 0,
        queue: int = 0,
        *,
        flags: int = 0,
    ) -> None:
        """Write the arguments of frame ``count``'s word; ``flags`` are ``abi.A_*``."""
        ring = self.device.ring
        place = (count & ring.mask) * abi.ANSWER.size
        abi.ANSWER.pack_into(ring.answers, place, mark, priority, length, queue, flags)

    def payload(self, count: int) -> memoryview:
        """Return the frame's room in the payload area."""
        ring = self.device.ring
        start = (count & ring.mask) * ring.frame_size
        return ring.payload[start : start + ring.frame_size]

    def answer(self, counts: Iterable[int], answer: int = abi.ANSWER_ACCEPT) -> None:
        """Answer these frames alike."""
        for count in counts:
            self.put(count, answer)

    def answer_all(self, answer: int = abi.ANSWER_ACCEPT) -> None:
        """Answer and settle all that is there."""
        self.answer(range(self.fp, self.fa), answer)
        self.settle()

    def settle(self) -> None:
        """Have the sender at work now."""
        self.device.kick()
        deliver()

    def resize(self, frames: int, frame_size: int = 256) -> None:
        """Exchange the ring."""
        self.device.resize(self.request._replace(frames=frames, frame_size=frame_size))

    def stats(self) -> Stats:
        """Return the counters; they add up, or this fails."""
        found = self.device.stats()
        conserved(found)
        return found

    def close(self) -> None:
        """End the queue."""
        holds(self.device.close(), "bytes of a frame are held")


def conserved(found: Stats) -> None:
    """Fail unless every packet that came is accounted for."""
    settled = found.accepted + found.dropped + found.flushed
    same(found.queued, settled + found.occupied, f"queued, of {found}")
    entered = found.queued + found.default_accepted + found.default_dropped
    same(found.received, entered, f"received, of {found}")
    holds(found.timed_out <= found.flushed, f"more timed out than flushed: {found}")


def lines() -> list[Sequence[str]]:
    """Return the lines of this namespace's /proc/net/fastqueue."""
    with open("/proc/thread-self/net/fastqueue") as file:  # noqa: PTH123 start-up time
        return [line.split() for line in file.read().splitlines()[1:]]
