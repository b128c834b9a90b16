# SPDX-License-Identifier: MIT
"""Instances of a DAQ module: their life, what they say of themselves, and what they refuse."""

from daq import INLINE, READ_FILE, Source, load
from lane import Flow, enter, to_queue
from run import Record


def case_load(record: Record) -> None:
    record("loaded", load())


def case_life(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = Source("queue=4")
    record("initialize", [source.status, source.error, source.state()])
    record("start", [source.call("start"), source.state()])
    flow = Flow()
    flow.send(2)
    record("acquire", [source.acquire(2), source.state()])
    record("stop", [source.call("stop"), source.state()])
    record("arrived", flow.arrived())
    source.call("shutdown")
    flow.send(1)
    record("nobody there", flow.arrived())


def case_settings(record: Record) -> None:
    enter()
    source = Source("queue=4", snaplen=1514)
    record("type", source.kind())
    record("snaplen", source.call("get_snaplen"))
    record("data link", source.call("get_datalink_type"))
    record("error", source.said())


def case_refused(record: Record) -> None:
    enter()
    for word in ("queue=x", "queue=65536", "queue=-1", "proto=ipx", "nonsense=1"):
        record(word, Source(word).status < 0)
    record("file", Source("queue=4", mode=READ_FILE).status)


def case_a_queue_twice(record: Record) -> None:
    enter()
    first, second = Source("queue=4"), Source("queue=4", mode=INLINE)
    record("first", first.status or first.call("start"))
    record("second", second.status or second.call("start"))


def case_stopped_with_packets(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = Source("queue=4")
    source.call("start")
    flow = Flow()
    flow.send(4)
    source.acquire(2)
    record("stop", source.call("stop"))
    source.call("shutdown")
    record("arrived", flow.arrived())


def case_started_again(record: Record) -> None:
    enter(to_queue(4), hook="input")
    flow = Flow()
    for _ in range(2):
        source = Source("queue=4")
        source.call("start")
        flow.send(2)
        source.acquire(2)
        source.call("stop")
        source.call("shutdown")
    record("arrived", flow.arrived())
