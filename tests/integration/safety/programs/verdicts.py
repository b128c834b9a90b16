# SPDX-License-Identifier: MIT
"""Verdicts and what goes with them."""

import re
import socket
import subprocess
import time

from checks import eventually, holds, same
from fastqueue import abi
from fastqueue.meta import Meta
from lane import Flow, Handler, chain, deliver, enter, ip, nft
from limits import MEGABYTE, PACKETS, parameter

ACCEPT, DROP, REPEAT, QUEUE = abi.ANSWER_ACCEPT, abi.ANSWER_DROP, abi.ANSWER_REPEAT, abi.ANSWER_QUEUE
QUEUED = chain("output", "udp dport 7000 queue num 0")


def _counted(rule: str) -> int:
    """Return how many packets a rule with a counter has seen."""
    found = re.search(re.escape(rule) + r" counter packets (\d+)", nft("list ruleset"))
    holds(found, f"no rule {rule}")
    return int(found[1]) if found else 0


def mark_and_priority() -> None:
    """The next chain sees what was set, singly and together; without the flag nothing is set."""
    rules = ("meta mark 0x00000007 counter", "meta mark 0xdeadbeef counter", "meta priority 1:2 counter")
    later = chain("output", *rules, priority=10, name="later")
    enter(QUEUED, later)
    flow, handler = Flow(), Handler(frames=16)
    flow.send(4)
    for count in range(4):
        handler.fields(count, mark=7 if count else 0xDEADBEEF, priority=0x00010002)
    handler.put(0, ACCEPT | abi.WITH_MARK)
    handler.put(1, ACCEPT | abi.WITH_PRIORITY)
    handler.put(2, ACCEPT | abi.WITH_MARK | abi.WITH_PRIORITY)
    handler.put(3, ACCEPT)
    handler.settle()
    same(flow.arrived(), [0, 1, 2, 3], "packets")
    found = [_counted(rule) for rule in ("meta mark 0xdeadbeef", "meta mark 0x00000007", "meta priority 1:2")]
    same(found, [1, 1, 2], "packets with the mark, the other mark, the priority")


def marked_packets_take_another_way() -> None:
    """A packet of this host's whose mark chooses another route leaves by that route's interface."""
    rules = [f'oifname "d{number}" udp dport 7000' for number in range(2)]
    seen = chain("postrouting", *(f"{rule} counter" for rule in rules), priority=100)
    enter(QUEUED, seen)
    for number in range(2):
        ip(
            f"link add d{number} type dummy",
            f"link set d{number} up",
            f"address add 10.{number}.0.1/24 dev d{number}",
            f"address add 2001:db8:{number}::1/64 dev d{number} nodad",
        )
    ip(
        "route add 10.9.0.0/16 dev d0",
        "route add 10.9.0.0/16 dev d1 table 77",
        "rule add from 0.0.0.0/0 fwmark 7 table 77",
        "route add 2001:db8:9::/48 dev d0",
        "route add 2001:db8:9::/48 dev d1 table 77",
    )
    subprocess.run(["ip", "-6", "rule", "add", "fwmark", "7", "table", "77"], check=True)
    for family, place in ((socket.AF_INET, "10.9.0.1"), (socket.AF_INET6, "2001:db8:9::1")):
        handler = Handler(frames=16)
        before = [_counted(rule) for rule in rules]
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            for _ in range(3):
                sender.sendto(b"where to", (place, 7000))
        same(handler.fa, 3, f"packets to {place}")
        handler.fields(1, mark=7)
        handler.put(0, ACCEPT)
        handler.put(1, ACCEPT | abi.WITH_MARK)
        handler.put(2, ACCEPT)
        handler.settle()
        after = [_counted(rule) for rule in rules]
        gone = [late - early for early, late in zip(before, after, strict=True)]
        same(gone, [2, 1], f"packets to {place} through d0 and d1")
        handler.close()


def repeat() -> None:
    """The same hook again: without a mark it is queued again, with one the rule lets it pass."""
    enter(chain("output", "meta mark 1 accept; udp dport 7000 queue num 0"))
    flow, handler = Flow(), Handler(frames=16)
    flow.send(3)
    handler.answer(range(3), REPEAT)
    handler.settle()
    found = handler.stats()
    same((found.received, found.accepted, found.occupied), (6, 3, 3), "queued again")
    same(flow.arrived(), [], "packets")
    for count in range(3, 6):
        handler.fields(count, mark=1)
    handler.answer(range(3, 6), REPEAT | abi.WITH_MARK)
    handler.settle()
    same((flow.arrived(), handler.stats().occupied), ([0, 1, 2], 0), "packets, marked")


def another_queue() -> None:
    """To a queue with a handler, to one without, and back."""
    enter(QUEUED)
    flow, first, second = Flow(), Handler(0), Handler(65535)
    flow.send(3)
    for count, queue in enumerate((65535, 65535, 9)):
        first.fields(count, queue=queue)
    first.answer(range(3), QUEUE)
    first.settle()
    same((first.stats().accepted, first.stats().invalid_words, second.stats().occupied), (3, 0, 2), "moved")
    second.fields(0, queue=0)
    second.put(0, QUEUE)
    second.put(1, ACCEPT)
    second.settle()
    first.put(3, ACCEPT)
    first.settle()
    same(flow.arrived(), [1, 0], "packets")
    same((first.stats().occupied, second.stats().occupied, flow.outstanding()), (0, 0, 0), "left")


def reverse_over_queues() -> None:
    """Eight queues, verdicts in reverse, and many that are none: each packet once, each queue in order."""
    enter(chain("output", *(f"udp dport {7000 + number} queue num {number}" for number in range(8))))
    flows = [Flow(port=7000 + number) for number in range(8)]
    handlers = [Handler(number, frames=32) for number in range(8)]
    for _ in range(10):
        for flow in flows:
            flow.send(3)
        for handler in reversed(handlers):
            for count in reversed(range(handler.fp, handler.fa)):
                handler.put(count, ACCEPT, lap=0xABCD00)
                handler.settle()
                handler.put(count, ACCEPT)
    for handler in handlers:
        handler.settle()
        found = handler.stats()
        same((found.accepted, found.occupied), (30, 0), "settled")
        holds(found.invalid_words >= 10, f"bogus words were counted: {found}")
    same([flow.arrived() for flow in flows], [list(range(30))] * 8, "packets")


def copy_range() -> None:
    """First bytes only: marked as truncated, and not to be changed; with SET at any time."""
    enter(QUEUED)
    flow, handler = Flow(filler=100), Handler(frames=16, copy_range=40, writable=True)
    flow.send(2)
    meta = _meta(handler, 0)
    same((meta.length, meta.captured, meta.truncated), (132, 40, True), "length, captured, truncated")
    same(bytes(handler.payload(0)[40:]), bytes(216), "nothing behind it")
    handler.fields(0, length=60)
    handler.put(0, ACCEPT | abi.WITH_PAYLOAD)
    handler.settle()
    same((handler.stats().invalid_words, handler.stats().truncated), (1, 2), "refused, truncated")
    handler.answer_all()
    handler.device.set(abi.SETTINGS.pack(abi.SET_COPY_RANGE, 0, 0, 0, 256, 0, 0))
    flow.send()
    same((_meta(handler, 2).captured, _meta(handler, 2).truncated), (132, False), "whole again")
    handler.answer_all()
    same(flow.arrived(), [0, 1, 2], "packets")


def _meta(handler: Handler, count: int) -> Meta:
    ring = handler.device.ring
    return Meta.read(ring.meta, count & ring.mask)


def owner_and_time() -> None:
    """Who sent it, and when; without the flags neither. TCP's own clock is not taken for the time."""
    enter(chain("output", "queue num 0"))
    flow, handler = Flow(), Handler(frames=16, uid=True, timestamp=True)
    flow.send()
    meta = _meta(handler, 0)
    same((meta.flags & abi.M_UID, meta.uid, meta.gid), (abi.M_UID, 0, 0), "owner")
    holds(abs(meta.timestamp / 1e9 - time.time()) < 5, f"time: {meta.timestamp}")
    handler.answer_all()
    handler.close()
    handler = Handler(frames=16)
    client = flow.stream()
    meta = _meta(handler, 0)
    same(meta.flags & abi.M_UID, 0, "owner nobody asked for")
    same(meta.timestamp, 0, "time nobody asked for")
    handler.answer_all(DROP)
    client.close()


def timeouts() -> None:
    """The limit holds after RESIZE, which does not begin it anew, and may be taken away and given."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=16, timeout_ms=600, default_action="accept")
    flow.send(2)
    until = time.monotonic() + 0.6
    resizes = 0
    while time.monotonic() < until + 0.3 and handler.stats().occupied:
        handler.resize(16 << resizes % 2)
        resizes += 1
        time.sleep(0.1)
    holds(resizes >= 2, "resized while packets waited")
    eventually(lambda: handler.stats().timed_out == 2, "timed out", 0.5)
    same(flow.arrived(), [0, 1], "packets")
    handler.device.set(abi.SETTINGS.pack(abi.SET_TIMEOUT, 0, 0, 0, 0, 0, 0))
    flow.send()
    time.sleep(0.7)
    same(handler.stats().occupied, 1, "without a limit")
    handler.device.set(abi.SETTINGS.pack(abi.SET_TIMEOUT, 0, 0, 20, 0, 0, 0))
    eventually(lambda: handler.stats().timed_out == 3, "timed out by the new limit")


def answered_before_the_end() -> None:
    """What was answered is sent at close, also where a sweep through the ring takes many batches."""
    enter(QUEUED)
    with parameter(PACKETS, 64 * MEGABYTE):
        _answered_before_the_end()


def _answered_before_the_end() -> None:
    for kicks in range(3):  # the last sweep has stopped here or there
        flow = Flow()
        handler = Handler(frames=16384, frame_size=64, unordered=True, period_us=1_000_000)
        flow.send(10_000)
        for _ in range(kicks):
            handler.settle()
        answered = [0, 1, 4000, *range(9900, 10_000)]
        handler.answer(answered)
        handler.close()
        deliver()
        same(sorted(flow.arrived()), answered, f"packets after {kicks} kicks")
        flow.close()
