# SPDX-License-Identifier: MIT
"""Many packets and many handles: what a process holds afterwards is what it held before."""

import ctypes
import gc
import threading
from pathlib import Path

import library as nfq
from lane import Flow, enter, to_queue
from run import Record

_ROOM = 256  # kB that Python's own memory may grow, and the C library's for threads
_ROOM_OF_THREADS = 1024


def _held() -> tuple[int, int, int]:
    """Return open descriptors, mappings, and kB of memory in use."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    maps = len(Path("/proc/self/maps").read_text().splitlines())
    return len(list(Path("/proc/self/fd").iterdir())), maps, int(status["VmRSS"].split()[0])


def _same(record: Record, before: tuple[int, int, int], room: int = _ROOM) -> None:
    after = _held()
    record("descriptors", after[0] - before[0])
    record("mappings", after[1] <= before[1])
    record("memory", True if after[2] - before[2] <= room else after[2] - before[2])


def _accept(queue: nfq.Queue, number: int, nfad: int) -> int:
    queue.verdict(number, nfq.ACCEPT)
    return 0


def _life(flow: Flow) -> int:
    """Open a handle, have packets of more than one size, and close it; return how many came."""
    handle = nfq.Handle()
    queue = handle.queue()
    queue.on_packet = _accept
    for size in (10, 3000, 30000):
        flow.filler = bytes(size)
        flow.send(2)
        handle.pump()
    arrived = len(flow.contents())
    flow.send(1)  # is dropped when the queue ends
    handle.close()
    # which nfq_close() leaves to the caller
    nfq.LIBC.free(ctypes.c_void_p(queue.pointer))
    return arrived


def case_handles(record: Record) -> None:
    enter(to_queue(), hook="input")
    flow = Flow()
    for _ in range(10):
        _life(flow)
    before = _held()
    record("arrived", sum(_life(flow) for _ in range(60)))
    _same(record, before)


def _mixed(queue: nfq.Queue, number: int, nfad: int) -> int:
    if number % 7 == 0:
        queue.verdict(number, nfq.DROP)
    elif number % 5 == 0:
        queue.verdict2(number, nfq.ACCEPT, number)
    elif number % 10 == 9 or number % 50 == 48:
        queue.batch(number, nfq.ACCEPT)
    elif number % 3 == 0:
        queue.verdict(number, nfq.ACCEPT)
    return 0


def case_packets(record: Record) -> None:
    enter(to_queue(), hook="input")
    handle = nfq.Handle()
    queue = handle.queue()
    queue.on_packet = _mixed
    flow = Flow()

    def rounds(number: int) -> int:
        arrived = 0
        for each in range(number):
            large = each % 9 == 0
            flow.filler = bytes(2500 if large else 60)
            flow.send(10 if large else 50)  # as much as the original's socket holds
            handle.pump()
            queue.batch(0x7FFFFFFF, nfq.ACCEPT)
            arrived += len(flow.contents(0.001))
        return arrived

    rounds(20)
    before = _held()
    record("arrived", rounds(300) + len(flow.contents(0.2)) > 0)
    _same(record, before)
    record("one more", handle.pump())


def case_threads(record: Record) -> None:
    enter(*(to_queue(number, 7000 + 2 * number) for number in range(3)), hook="input")
    flows = [Flow(7000 + 2 * number) for number in range(3)]

    def serve(number: int) -> None:
        for _ in range(6):
            handle = nfq.Handle()
            queue = handle.queue(number)
            queue.on_packet = _accept
            for _ in range(10):
                flows[number].send(5)
                for _ in range(5):
                    handle.handle(handle.recv(0))
            handle.close()
            nfq.LIBC.free(ctypes.c_void_p(queue.pointer))

    def together() -> None:
        threads = [threading.Thread(target=serve, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40)

    together()
    before = _held()
    together()
    record("arrived", [len(flow.contents(0.1)) for flow in flows])
    _same(record, before, _ROOM_OF_THREADS)
