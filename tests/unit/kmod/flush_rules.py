# SPDX-License-Identifier: MIT
"""The model's flushing and exchange of rings, as kmod/flush.c, resize.c and fq_queue_close() have it.

Like the sender's runs these are generators, that stop wherever the kernel holds no lock; to wait for
a mutex is to be asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastqueue import abi

from .ring_rules import COUNTS, Left, Packet, Queue, Ring, ahead
from .sender_rules import Run, rounds

FLUSH_BATCH, FLUSH_LOOKS, MOVE_BATCH = 2, 3, 2


def _lock(queue: Queue) -> Iterator[None]:
    """Wait for the mutex by which flushing and exchange exclude each other."""
    while queue.exchange:
        yield
    queue.exchange = True


class Flush:
    """A walk over the frames of a queue."""

    def __init__(self, queue: Queue, end: int, how: str, verdict: int, device: int | None = None) -> None:
        """Begin at FP."""
        self.queue, self.count, self.end = queue, queue.fp, end
        self.how, self.verdict, self.device = how, verdict, device

    def take(self) -> bool:
        """Take matching packets, in one step. Return whether there are frames left to look at."""
        queue, taken, looks = self.queue, 0, FLUSH_LOOKS
        if queue.dropping:
            self.verdict = abi.DROP
        if ahead(queue.fp, self.count) > 0:
            self.count = queue.fp
        while ahead(self.end, self.count) > 0 and taken < FLUSH_BATCH and looks:
            looks -= 1
            packet = queue.ring.packet(self.count)
            if packet and self.device in {None, packet.device}:
                queue.flush(self.count, self.how, self.verdict)
                taken += 1
            self.count = (self.count + 1) % COUNTS
        return ahead(self.end, self.count) > 0

    def walk(self) -> Iterator[None]:
        """Take them all, with pauses."""
        while self.take():
            yield


def flush_matching(queue: Queue, how: str, verdict: int, device: int | None = None) -> Iterator[None]:
    """Flush the packets of a device, or all."""
    yield from _lock(queue)
    flush = Flush(queue, queue.fa, how, verdict, device)
    yield
    yield from flush.walk()
    queue.exchange = False


def drop_all(queue: Queue) -> None:
    """A hook goes, which cannot wait: what is not dropped at once is marked."""
    if not (queue.resizing or queue.fa != queue.fp):
        return
    queue.dropping, queue.drop_end = True, queue.fa
    flush = Flush(queue, queue.fa, "hook gone", abi.DROP)
    flush.take()
    queue.dropping = queue.resizing or flush.count != flush.end
    queue.drop_work = queue.drop_work or (queue.dropping and not queue.closed)


def drop_work(queue: Queue) -> Iterator[None]:
    """Drop what is marked, with pauses."""
    yield from _lock(queue)
    yield from _flush_marked(queue)
    queue.exchange = False


def _flush_marked(queue: Queue) -> Iterator[None]:
    flush = Flush(queue, queue.drop_end if queue.dropping else queue.fp, "hook gone", abi.DROP)
    yield
    yield from flush.walk()
    yield
    if flush.end == queue.drop_end:
        queue.dropping = False


class Move:
    """An exchange of the ring."""

    def __init__(self, queue: Queue, ring: Ring) -> None:
        """Exchange it, and have packets that come wait in the backlog."""
        self.queue = queue
        self.old = [
            (slot.packet, slot.queued_at)
            for count in queue.out()
            if (slot := queue.ring.slots[queue.ring.index(count)]).packet
        ]
        queue.moving = [packet for packet, _ in self.old if packet]
        queue.ring, queue.fa, queue.fp = ring, 0, 0
        queue.sweeping, queue.resizing = False, True

    def _put(self, packet: Packet, queued_at: int) -> None:
        self.queue.moving.remove(packet)
        if not self.queue.put_again(packet, queued_at):
            self.queue.unmoved.append(packet)

    def _settle_left(self) -> None:
        for packet in self.queue.unmoved:
            verdict = abi.DROP if self.queue.dropping else self.queue.default_action
            self.queue.left.append(Left(packet.name, "not moved", verdict))
        self.queue.unmoved.clear()

    def frames(self) -> Iterator[None]:
        """Move the packets of the old ring."""
        while self.old:
            for packet, queued_at in self.old[:MOVE_BATCH]:
                assert packet
                self._put(packet, queued_at)
            del self.old[:MOVE_BATCH]
            yield
            self._settle_left()

    def backlog(self) -> Iterator[None]:
        """Move what came meanwhile, and end."""
        queue = self.queue
        while queue.backlog:
            packet = queue.backlog.pop(0)
            queue.moving.append(packet)
            queued_at = queue.now
            yield
            self._put(packet, queued_at)
        queue.resizing = False
        if queue.dropping:
            queue.drop_end, queue.drop_work = queue.fa, True
            queue.marked_again |= {packet.name for packet in queue.packets()}
        yield
        self._settle_left()


def resize(queue: Queue, ring: Ring) -> Run[bool]:
    """Exchange the ring, which has no mapping; False: more packets are out than the new one would hold."""
    yield from rounds(queue)
    yield from _lock(queue)
    while fits := queue.occupied() <= ring.frames:
        if not queue.sending and not queue.dropping:
            move = Move(queue, ring)
            yield
            yield from move.frames()
            yield from move.backlog()
            break
        yield from _flush_marked(queue)
        yield
    queue.exchange = False
    return fits


def close(queue: Queue, idle: Callable[[], bool]) -> Iterator[None]:
    """End the queue up to its last flush; ``idle``: no timer, work or event of a device is at it."""
    queue.closed = queue.send_again = True
    queue.drop_work = False
    while not idle():
        yield
    queue.drop_work = False
    yield from rounds(queue)
