# SPDX-License-Identifier: MIT
"""Very many packets with random verdicts, flushes, changes of everything; FASTQUEUE_SOAK says how many."""

import contextlib
import os
import random
import re
import socket
import time

from checks import eventually, holds, same
from fastqueue import QueueError, abi
from lane import Flow, Handler, chain, enter, ip, nft

PACKETS = int(os.environ.get("FASTQUEUE_SOAK", "60000"))
BURST = 200
_SEGMENTS, _LENGTH = 50, 22  # datagrams in one call, and bytes of each
_UDP_SEGMENT = 103


class _Totals:
    """What all rings counted: those that are gone, and their faults."""

    def __init__(self) -> None:
        self.received = self.accepted = self.dropped = self.flushed = self.defaults = self.invalid = 0
        self.rings = self.last = 0  # last: in frames as a ring is closed, answered or not

    def take(self, handler: Handler) -> None:
        """Add a ring's counters, and end it."""
        handler.settle()
        found = handler.stats()
        self.received += found.received
        self.accepted += found.accepted
        self.dropped += found.dropped
        self.flushed += found.flushed + found.occupied  # flushed as the ring is closed
        self.last += found.occupied
        self.defaults += found.default_accepted + found.default_dropped
        self.invalid += found.invalid_words
        self.rings += 1
        handler.close()


def run() -> None:
    """By loopback, most of it as large packets that the module takes apart; every one is accounted for."""
    enter(chain("output", "udp dport 7000 queue num 0"), chain("input", "udp dport 7000 counter drop"))
    ip("link add d0 type dummy", "link set d0 up")
    flow, totals, began = Flow(filler=18), _Totals(), time.monotonic()
    handler = _handler(0)
    while flow.sent < PACKETS:
        _send(flow)
        _decide(handler)
        chance = random.random()
        if chance < 0.005:
            with contextlib.suppress(QueueError):  # more are out than the smaller one holds
                handler.resize(random.choice((256, 512)), random.choice((64, 256)))
        elif chance < 0.008:
            ip("link set d0 down", "link set d0 up")
        elif chance < 0.015:
            totals.take(handler)
            if totals.rings % 250 == 0:
                print(f"{time.monotonic() - began:.0f} s: {vars(totals)}", flush=True)
            handler = _handler(totals.rings)
        elif chance < 0.018:
            time.sleep(0.15)  # the time limit
        elif chance < 0.03:
            handler.device.set(abi.SETTINGS.pack(abi.SET_PERIOD, 0, random.randrange(50, 5000), 0, 0, 0, 0))
    handler.answer_all()
    totals.take(handler)
    eventually(lambda: not flow.outstanding(), "no byte is held")
    seconds = time.monotonic() - began
    print(f"{flow.sent} packets in {seconds:.0f} s: {vars(totals)}")
    same(totals.received, flow.sent, "received, all rings")
    ends = totals.accepted + totals.dropped + totals.flushed + totals.defaults
    same(ends, totals.received, "accepted, dropped, flushed and settled by default")
    arrived = _arrived()  # what was answered behind a lost word leaves as its ring is closed
    holds(totals.accepted <= arrived <= totals.accepted + totals.last, f"{arrived} arrived")


def _handler(number: int) -> Handler:
    return Handler(frames=256, timeout_ms=100, unordered=number % 2 == 1, timer_only=number % 3 == 1)


def _send(flow: Flow) -> None:
    """One turn in eight one by one, else in calls of many."""
    if random.random() < 0.125:
        flow.send(BURST)
        return
    for _ in range(BURST // _SEGMENTS):
        size = _LENGTH.to_bytes(2, "little")
        flow.sender.sendmsg([bytes(_SEGMENTS * _LENGTH)], [(socket.SOL_UDP, _UDP_SEGMENT, size)])
    flow.sent += BURST


def _decide(handler: Handler) -> None:
    ring = handler.device.ring
    first, number = handler.fp, handler.fa - handler.fp
    ring.fill(first, number, random.choice((abi.ANSWER_ACCEPT, abi.ANSWER_DROP)))
    for _ in range(random.randrange(4)):
        # neither REPEAT nor QUEUE: each packet comes once
        ring.words[random.randrange(ring.frames)] = random.getrandbits(32) & ~0x18
    handler.settle()


def _arrived() -> int:
    found = re.search(r"counter packets (\d+)", nft("list table inet tinput"))
    return int(found[1]) if found else -1
