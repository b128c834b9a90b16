# SPDX-License-Identifier: MIT
"""Handles, queues and what can be set on them."""

import ctypes
import os
import socket
from pathlib import Path

import library as nfq
from lane import Flow, chain, enter, leave, to_queue
from run import Record


def case_life(record: Record) -> None:
    enter()
    handle = nfq.Handle()
    record("unbind_pf", nfq.called(nfq.NFQ.nfq_unbind_pf(handle.pointer, socket.AF_INET)))
    record("bind_pf", nfq.called(nfq.NFQ.nfq_bind_pf(handle.pointer, socket.AF_INET)))
    record("bind_pf6", nfq.called(nfq.NFQ.nfq_bind_pf(handle.pointer, socket.AF_INET6)))
    queue = handle.queue(5, None)
    record("created", bool(queue.pointer))
    again = handle.queue(5, None)
    record("twice on a handle", bool(again.pointer))
    other = nfq.Handle()
    record("on two handles", [bool((taken := other.queue(5, None)).pointer), taken.error])
    record("modes", [queue.mode(mode, 100) for mode in (0, 1, 2, 3, 255)])
    record("ranges", [queue.mode(nfq.COPY_PACKET, size) for size in (0, 1, 64, 65531, 65535, 65536, 1 << 31)])
    record("maxlen", [queue.maxlen(packets) for packets in (0, 1, 1024, 100000)])
    record("destroy", queue.destroy())
    record("free again", bool((again := other.queue(5, None)).pointer))
    record("number 65535", bool(other.queue(65535, None).pointer))
    record("destroy again", again.destroy())
    record("close", [other.close(), handle.close()])


def case_flags(record: Record) -> None:
    enter()
    queue = nfq.Handle().queue(1)
    for name, flag in (
        ("fail open", nfq.FAIL_OPEN),
        ("gso", nfq.GSO),
        ("uid", nfq.UID_GID),
        ("secctx", nfq.SECCTX),
    ):
        record(f"{name} on", queue.flags(flag, flag))
        record(f"{name} off", queue.flags(flag, 0))
    record("conntrack not meant", queue.flags(0, nfq.CONNTRACK))
    record("unknown", [queue.flags(flag, flag) for flag in (32, 1 << 31)])
    record("unknown, not meant", queue.flags(0, 64))
    record("several", queue.flags(nfq.FAIL_OPEN | nfq.GSO, nfq.GSO))


def case_conntrack(record: Record) -> None:
    enter()
    record("on", nfq.Handle().queue(1).flags(nfq.CONNTRACK, nfq.CONNTRACK))


def case_not_root(record: Record) -> None:
    enter()
    os.setuid(1000)
    handle = nfq.Handle()
    record("create", [bool((queue := handle.queue(1, None)).pointer), queue.error])


def case_other_process(record: Record) -> None:
    enter(to_queue(3))
    handle = nfq.Handle()
    queue = handle.queue(3)
    flow = Flow()

    def other() -> list[object]:
        second = nfq.Handle()
        taken = second.queue(3, None)
        return [bool(taken.pointer), taken.error]

    record("taken", nfq.isolated(other).decode())
    flow.send(2)
    record("ours still", handle.pump())
    record("verdicts", [queue.verdict(number, nfq.ACCEPT) for number, _ in queue.packets])
    record("arrived", flow.arrived())


def case_copy_none(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue(mode=None)
    flow = Flow()
    flow.send(3)
    record("before a mode", handle.pump())
    queue.mode(nfq.COPY_META)
    flow.send(2)
    record("meta", len(handle.pump()))
    record("verdicts", [queue.verdict(number, nfq.ACCEPT) for number, _ in queue.packets])
    record("arrived", flow.arrived())
    queue.mode(nfq.COPY_NONE)
    flow.send(3)
    record("none again", handle.pump())
    record("arrived later", flow.arrived())


def case_lengths(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    for maxlen in (1, 3, 8, 17):
        queue.maxlen(maxlen)
        flow = Flow()
        flow.send(maxlen + 10)
        record(f"came {maxlen}", len(handle.pump()))
        for number, _ in queue.packets:
            queue.verdict(number, nfq.ACCEPT)
        queue.packets.clear()
        record(f"arrived {maxlen}", flow.arrived())
        flow.sender.close()
        flow.receiver.close()


def case_fail_open(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    queue.maxlen(4)
    record("on", queue.flags(nfq.FAIL_OPEN, nfq.FAIL_OPEN))
    flow = Flow()
    flow.send(10)
    record("came", len(handle.pump()))
    record("past the queue", flow.arrived())
    record("drop", [queue.verdict(number, nfq.DROP) for number, _ in queue.packets])
    record("dropped", flow.arrived())
    flow.send(3)
    handle.pump()
    record("close", handle.close())
    record("outstanding are dropped", flow.arrived())


def case_maxlen_zero(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    queue.maxlen(0)
    flow = Flow()
    flow.send(3)
    record("came", handle.pump())
    record("arrived", flow.arrived())


def case_outstanding_at_destroy(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    flow = Flow()
    flow.send(3)
    handle.pump()
    record("destroy", queue.destroy())
    record("arrived", flow.arrived())
    again = handle.queue()
    flow.send(1)
    record("lengths", handle.pump())
    record("ids begin anew", [number for number, _ in again.packets])


def case_process_ends(record: Record) -> None:
    enter(to_queue(0, more=""))
    flow = Flow()

    def handler() -> int:
        handle = nfq.Handle()
        handle.queue()
        flow.send(3)
        return len(handle.pump())

    record("came", nfq.isolated(handler).decode())
    record("arrived", flow.arrived())


def case_no_queue_for_the_packet(record: Record) -> None:
    enter(to_queue(9, more=""))
    handle = nfq.Handle()
    handle.queue(8)
    flow = Flow()
    flow.send(2)
    record("came", handle.pump())
    record("arrived", flow.arrived())
    chain("udp dport 7010 queue num 9 bypass", name="u")
    other = Flow(7010)
    other.send(2)
    record("bypass", other.arrived())


def case_many_handles_come_and_go(record: Record) -> None:
    enter()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(40):
        handle = nfq.Handle(64)
        handle.queue(2)
        handle.close()
    record("descriptors left", len(list(Path("/proc/self/fd").iterdir())) - before)
    ctypes.set_errno(0)


def case_unshare_before_create(record: Record) -> None:
    """The queue is the one of the network namespace in which the handle was opened."""
    enter(to_queue())
    handle, flow = nfq.Handle(), Flow()
    leave()
    queue = handle.queue()
    flow.send(3)
    record("messages", handle.pump())
    record("verdicts", [queue.verdict(number, nfq.ACCEPT) for number, _ in queue.packets])
    record("arrived", flow.arrived())
    record("here", bool(nfq.Handle().queue(0, None).pointer))


_NFQUEUE = Path("/proc/thread-self/net/netfilter/nfnetlink_queue")
_FASTQUEUE = Path("/proc/thread-self/net/fastqueue")


def _table() -> list[list[int]]:
    """Return number, owner, packets out, dropped for lack of room, last id of each queue.

    Over Fast Queue from its own table, as docs/compat.md says.
    """
    if _NFQUEUE.exists():
        rows = [[int(word) for word in line.split()] for line in _NFQUEUE.read_text().splitlines()]
        return [[row[0], row[1], row[2], row[5], row[7]] for row in rows]
    heading, *lines = (line.split() for line in _FASTQUEUE.read_text().splitlines())
    named = [dict(zip(heading, line, strict=True)) for line in lines]
    names = ("queue", "owner", "occupied", "default_dropped", "queued")
    return [[int(row[name]) for name in names] for row in named]


def case_table_of_queues(record: Record) -> None:
    enter(to_queue(3))
    handle = nfq.Handle()
    queue = handle.queue(3)
    queue.maxlen(2)
    flow = Flow()
    flow.send(5)
    handle.pump()
    record("full", [[row[0], row[1] == os.getpid(), *row[2:]] for row in _table()])
    queue.verdict(1, nfq.ACCEPT)
    flow.send(1)
    record("later", [row[2:] for row in _table()])
