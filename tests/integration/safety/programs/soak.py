# SPDX-License-Identifier: MIT
"""Very many packets with random verdicts, flushes, changes of everything; FASTQUEUE_SOAK says how many."""

import contextlib
import os
import random
import time

from checks import holds, same
from fastqueue import QueueError, abi
from lane import Flow, Handler, chain, enter, ip

PACKETS = int(os.environ.get("FASTQUEUE_SOAK", "60000"))
BURST = 200


def run() -> None:
    """Half by loopback, in this process; the books balance and nothing is held at the end."""
    enter(chain("output", "meta mark 1 accept; udp dport 7000 queue num 0"))
    ip("link add d0 type dummy", "link set d0 up")
    flow, handler = Flow(filler=18), Handler(frames=256, timeout_ms=100)
    began, rings, arrived = time.monotonic(), 0, 0
    total = [0] * 5  # received, accepted, dropped, flushed, by default; of rings that are gone
    while flow.sent < PACKETS:
        flow.send(BURST)
        _decide(handler)
        chance = random.random()
        if chance < 0.01:
            with contextlib.suppress(QueueError):  # more are out than the smaller one holds
                handler.resize(random.choice((256, 512)), random.choice((64, 256)))
        elif chance < 0.02:
            ip("link set d0 down", "link set d0 up")
        elif chance < 0.03:
            rings += 1
            _count(handler, total)
            handler.close()
            handler = Handler(frames=256, timeout_ms=100, unordered=rings % 2 == 1, timer_only=rings % 3 == 1)
        elif chance < 0.05:
            time.sleep(0.15)  # the time limit
        arrived += len(flow.contents())
    handler.answer_all()
    arrived += len(flow.contents())
    _count(handler, total)
    handler.close()
    arrived += len(flow.contents())
    same(flow.outstanding(), 0, "bytes held")
    same(total[0], flow.sent, "received, all rings")
    holds(total[1] <= arrived <= sum(total) - total[0], f"{arrived} arrived, {total}")
    seconds = time.monotonic() - began
    print(f"{flow.sent} packets in {seconds:.0f} s, {rings} rings, {arrived} arrived, {total}")


def _decide(handler: Handler) -> None:
    ring = handler.device.ring
    first, number = handler.fp, handler.fa - handler.fp
    ring.fill(first, number, random.choice((abi.ANSWER_ACCEPT, abi.ANSWER_DROP)))
    for _ in range(random.randrange(4)):
        ring.words[random.randrange(ring.frames)] = (
            random.getrandbits(32) & ~0x10
        )  # no REPEAT: each packet once
    handler.settle()


def _count(handler: Handler, total: list[int]) -> None:
    handler.settle()
    found = handler.stats()
    values = (
        found.received,
        found.accepted,
        found.dropped,
        found.flushed,
        found.default_accepted + found.default_dropped,
    )
    for place, value in enumerate(values):
        total[place] += value
    total[3] += found.occupied  # flushed as the ring is closed
