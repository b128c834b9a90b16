# SPDX-License-Identifier: MIT
"""Callbacks that end their own queue, or handle packets; so many wait that the ring is nearly full."""

import library as nfq
from lane import Flow, enter, to_queue
from run import Record

_LENGTH = 64
_LAST = 3


def _begin() -> tuple[nfq.Handle, nfq.Queue, Flow]:
    enter(to_queue())
    handle = nfq.Handle()
    queue, flow = handle.queue(), Flow()
    queue.maxlen(_LENGTH)
    flow.send(_LENGTH - 4)
    return handle, queue, flow


def _end_in_callback(record: Record, *, close: bool) -> nfq.Handle:
    """Accept packets, and in the callback of the last of them end the queue, or all.

    The original handles the next packet while it waits for the answer, so verdicts are not noted.
    """
    handle, queue, flow = _begin()

    def decide(queue: nfq.Queue, number: int, _nfad: int) -> int:
        queue.verdict(number, nfq.ACCEPT)
        if number == _LAST:
            record("end", handle.close() if close else queue.destroy())
        return 0

    queue.on_packet = decide
    record("handled", [handle.handle(handle.recv()) for _ in range(_LAST)])
    record("arrived", flow.arrived())
    return handle


def case_queue_destroyed(record: Record) -> None:
    handle = _end_in_callback(record, close=False)
    record("close", handle.close())
    record("again", bool(nfq.Handle().queue().pointer))


def case_handle_closed(record: Record) -> None:
    _end_in_callback(record, close=True)
    record("again", bool(nfq.Handle().queue().pointer))


def case_packet_handled_in_callback(record: Record) -> None:
    handle, queue, flow = _begin()
    found = []

    def decide(queue: nfq.Queue, number: int, _nfad: int) -> int:
        found.append([number, queue.verdict(number, nfq.ACCEPT)])
        if number < _LAST:
            handle.handle(handle.recv())
        return 0

    queue.on_packet = decide
    record("first", handle.handle(handle.recv()))
    record("others", len(handle.pump()))
    record("verdicts", found)
    record("arrived", flow.arrived())
