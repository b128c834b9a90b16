# SPDX-License-Identifier: MIT
"""The model's sender, as kmod/sender.c and timer.c have it, with smaller numbers.

A run is a generator that stops where the kernel lets go of the queue's lock: there anything else may
happen, and in a real kernel does.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final, TypeVar

from .ring_rules import BATCH, BATCH_BYTES, COUNTS, FRAME_SIZE, Finding, Queue, ahead

_Result = TypeVar("_Result")
Run = Generator[None, None, _Result]

MAX_FRAMES: Final = 8
LOOKS: Final = 3
SWEEP_BATCHES: Final = (
    MAX_FRAMES // BATCH + MAX_FRAMES // LOOKS + 1 + MAX_FRAMES // (BATCH_BYTES // FRAME_SIZE)
)
LOOK_BATCHES, TICK_BATCHES = 2, 2


def request(queue: Queue) -> None:
    """All that is answered now is to leave."""
    if not queue.closed:
        queue.send_again = True


def _first(queue: Queue) -> int:
    looked = queue.out()[:LOOKS]
    empty = (queue.fp + len(looked)) % COUNTS
    return next((count for count in looked if queue.ring.packet(count)), empty)


def _advance(queue: Queue, count: int) -> None:
    fp = count
    if not queue.ordered:
        fp = _first(queue)
        if ahead(fp, count) > 0:
            count = fp
    queue.scan, queue.fp = count, fp


def _collect(queue: Queue) -> int:
    """Go on with the sweep. Return the packets that leave."""
    number, looks, count = 0, LOOKS, queue.scan
    while count != queue.fa:
        if number >= queue.batch_max or not looks:
            _advance(queue, count)
            return number
        looks -= 1
        finding = queue.settle(count)
        if finding is Finding.PENDING and queue.ordered:
            break
        number += finding.settled
        count = (count + 1) % COUNTS
    queue.sweeping = False
    _advance(queue, count)
    return number


def _batch(queue: Queue) -> Run[tuple[bool, int]]:
    """Send a batch. Return whether there is more to do, and its packets."""
    queue.batch_max, queue.batch_bytes = BATCH, 0
    if not queue.sweeping:
        queue.sweeping, queue.send_again = True, False
        queue.scan = queue.fp
    before = len(queue.left)
    number = _collect(queue)
    batch = queue.left[before:]
    del queue.left[before:]
    queue.leaving += batch
    if number or queue.sweeping:
        yield
    for each in batch:
        queue.leaving.remove(each)
        queue.left.append(each)
    return queue.sweeping or queue.send_again, number


def work(queue: Queue, batches: int) -> Run[bool]:
    """Send at most ``batches``. Return whether it stopped at that bound, with answered frames left."""
    if queue.sending or queue.resizing:
        return False
    queue.sending, more, number = True, True, 0
    while more and batches:
        more, number = yield from _batch(queue)
        batches -= more
    queue.sending = False
    closing = queue.closed and (queue.sweeping or queue.send_again)
    return not batches and (number >= queue.batch_max or closing)


def rounds(queue: Queue) -> Run[None]:
    """Send in process context, until nothing more is answered or a bound is reached."""
    looks, more = LOOK_BATCHES, False
    for _ in range(2 * SWEEP_BATCHES):
        if not more:
            request(queue)
        out = queue.fa != queue.fp
        more = out and (yield from work(queue, 1))
        if out and not more and not queue.sending and (queue.sweeping or queue.send_again):
            looks -= 1
            more = looks > 0
        if not more:
            return
        yield


def tick(queue: Queue) -> Iterator[None]:
    """One tick of the timer."""
    request(queue)
    yield from work(queue, TICK_BATCHES)
