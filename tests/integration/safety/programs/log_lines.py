# SPDX-License-Identifier: MIT
"""What the kernel's log says of a queue in trouble: each kind once, however often it happens."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from checks import eventually, holds, same
from lane import Flow, Handler, chain, enter

_RULE = "udp dport {} queue num {}"
_COST = "/proc/sys/net/core/message_cost"  # of the first network namespace alone


class _Log:
    """The module's lines in the kernel's log from now on."""

    def __init__(self) -> None:
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._fd, 0, os.SEEK_END)

    def lines(self) -> list[str]:
        """Return those since the last time, without what the log puts before them."""
        found: list[str] = []
        while True:
            try:
                record = os.read(self._fd, 8192).decode()
            except BlockingIOError:
                return found
            text = record.partition(";")[2].splitlines()[0]
            if text.startswith("fastqueue: "):
                found.append(text.removeprefix("fastqueue: "))


@contextmanager
def _logged(*ports: int) -> Iterator[_Log]:
    """Queue each port's datagrams, the first one's to queue 0; earlier cases' lines hold nothing back."""
    cost = os.open(_COST, os.O_RDWR)
    usual = os.pread(cost, 20, 0)
    os.pwrite(cost, b"0", 0)
    try:
        enter(chain("output", *(_RULE.format(port, queue) for queue, port in enumerate(ports))))
        yield _Log()
    finally:
        os.pwrite(cost, usual, 0)


def full() -> None:
    """Said once for many packets, with what becomes of them; of each queue by itself."""
    with _logged(7000, 7001) as log:
        flows = Flow(), Flow(port=7001)
        handlers = Handler(default_action="accept"), Handler(queue=1)
        for flow in flows:
            flow.send(30)
        wanted = [
            f"queue {queue}: full, handler {os.getpid()} is behind: packets are {action}"
            for queue, action in enumerate(("accepted", "dropped"))
        ]
        same(log.lines(), wanted, "lines")
        for handler in handlers:
            handler.answer_all()
            handler.close()
        same(log.lines(), [], "lines of queues whose frames were all answered")


def invalid() -> None:
    """Said with the word and the frame; the packet waits for a right answer."""
    with _logged(7000) as log:
        flow, handler = Flow(), Handler()
        flow.send(3)
        handler.answer([0])
        handler.put(1, 0x7)
        handler.settle()
        handler.put(1, 0x7)
        handler.settle()
        same(handler.stats().invalid_words, 2, "invalid words")
        found = log.lines()
        same(len(found), 1, f"number of lines, of {found}")
        holds("wrote 0x00000007 into the word of frame 1," in found[0], found[0])
        handler.answer_all()
        handler.close()


def timed_out() -> None:
    """Said once for all frames."""
    with _logged(7000) as log:
        flow, handler = Flow(), Handler(timeout_ms=20)
        flow.send(5)
        eventually(lambda: handler.stats().timed_out == 5, "all time limits over")
        wanted = f"queue 0: handler {os.getpid()} did not answer within 20 ms: packets are dropped"
        same(log.lines(), [wanted], "lines")
        handler.close()


def unanswered() -> None:
    """A handler that ends says how many packets it left."""
    with _logged(7000) as log:
        flow, handler = Flow(), Handler()
        flow.send(4)
        handler.answer([0])
        handler.device.close()
        wanted = f"queue 0: closed by handler {os.getpid()} with 3 packets unanswered: dropped"
        same(log.lines(), [wanted], "lines")
