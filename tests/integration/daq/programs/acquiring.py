# SPDX-License-Identifier: MIT
"""Packets through a DAQ module, and what it makes of verdicts."""

import ctypes
import threading
import time

import daq
from daq import BLACKLIST, BLOCK, IGNORE, PASS, REPLACE, WHITELIST, Source, complete_udp
from lane import Flow, enter, settled, to_queue
from run import Record


def _begin(**options: int) -> tuple[Source, Flow]:
    enter(to_queue(4), hook="input")
    source = Source("queue=4", **options)
    source.call("start")
    return source, Flow()


def _number(data: bytes) -> int:
    return int.from_bytes(data[28:32], "big")


def case_pass_and_block(record: Record) -> None:
    source, flow = _begin()
    source.on_packet = lambda data, where: BLOCK if _number(data) % 3 == 1 else PASS
    flow.send(10)
    source.acquire_all(10)
    record("packets", [settled(data).hex() for data, _ in source.seen])
    record("lengths", [(header.caplen, header.pktlen) for _, header in source.seen])
    record("arrived", flow.arrived())


def case_verdicts(record: Record) -> None:
    source, flow = _begin()
    for verdict in (PASS, BLOCK, REPLACE, WHITELIST, BLACKLIST, IGNORE):
        source.on_packet = lambda data, where, verdict=verdict: verdict  # type: ignore[misc]
        flow.send(2)
        source.acquire(2)
        record(f"verdict {verdict}", flow.arrived())
    record("counted", source.stats()["verdicts"])


def case_replace(record: Record) -> None:
    source, flow = _begin()

    def change(data: bytes, where: int) -> int:
        if _number(data) % 2:
            return PASS
        ctypes.memmove(where + 26, b"\0\0", 2)  # no UDP checksum
        ctypes.memmove(where + 32, b"CHANGED", 7)
        return REPLACE

    source.on_packet = change
    flow.filler = b"untouched text"
    flow.send(4)
    source.acquire_all(4)
    record("arrived", [data.hex() for data in flow.contents(0.1)])


def case_replaced_bytes_leave_as_they_are(record: Record) -> None:
    """The program completes checksums itself; a wrong one is not corrected, and a right one arrives."""
    source, flow = _begin()

    def change(data: bytes, where: int) -> int:
        changed = bytearray(data)
        changed[32:39] = b"CHANGED"
        complete_udp(changed)
        if _number(data) % 2:
            changed[26] ^= 0xFF
        ctypes.memmove(where, bytes(changed), len(changed))
        return REPLACE

    source.on_packet = change
    flow.filler = b"untouched text"
    flow.send(4)
    source.acquire_all(4)
    record("arrived", [data.hex() for data in flow.contents(0.1)])


def case_count(record: Record) -> None:
    source, flow = _begin()
    flow.send(10)
    for count in (3, 1, 4):
        record(f"acquire {count}", [source.acquire(count), len(source.seen)])
    source.acquire_all(10)
    record("arrived", flow.arrived())


def case_break_in_a_callback(record: Record) -> None:
    source, flow = _begin()

    def once(data: bytes, where: int) -> int:
        if _number(data) == 2:
            source.call("breakloop")
        return PASS

    source.on_packet = once
    flow.send(6)
    record("broken", [source.acquire(0), len(source.seen)])
    source.acquire_all(6)
    record("arrived", flow.arrived())


def case_break_from_another_thread(record: Record) -> None:
    source, flow = _begin(timeout=0)
    source.on_packet = lambda data, where: PASS
    broken = threading.Event()

    def end() -> None:
        time.sleep(0.3)
        broken.set()  # before: who is woken may look at once
        source.call("breakloop")
        while not ended.wait(0.05):  # for modules that wait for a packet all the same
            flow.send(1)

    ended = threading.Event()
    thread = threading.Thread(target=end)
    thread.start()
    record("returned", source.acquire(0))
    ended.set()
    record("was broken", broken.is_set())
    thread.join()


def case_inject(record: Record) -> None:
    source, flow = _begin()
    flow.send(1)
    source.acquire_all(1)
    data = bytearray(source.seen[0][0])
    data[22:24] = (7010).to_bytes(2, "big")  # another port, which no rule queues
    data[26:28] = bytes(2)
    data[28:32] = b"INJE"
    other = Flow(7010)
    record("injected", source.inject(bytes(data)))
    record("arrived", [each.decode() for each in other.contents(0.2)])
    record("counted", source.stats()["packets_injected"])


def case_large(record: Record) -> None:
    source, flow = _begin()
    for size in (0, 1000, 2016, 9000, 60000):
        flow.filler = bytes(size)
        flow.send(1)
        source.acquire(1)
        record(f"size {size}", [source.seen[-1][1].caplen, source.seen[-1][1].pktlen])
        record(f"arrived {size}", [len(data) for data in flow.contents(0.1)])


def case_cut(record: Record) -> None:
    source, flow = _begin(snaplen=100)
    flow.filler = bytes(400)
    flow.send(2)
    source.acquire_all(2)
    record("lengths", [(header.caplen, header.pktlen) for _, header in source.seen])
    record("arrived", [len(data) for data in flow.contents(0.1)])


def case_filter(record: Record) -> None:
    enter("udp dport { 7000, 7010 } queue num 4", hook="input")
    source = Source("queue=4")
    record("wrong", source.call("set_filter", b"no such words"))
    record("right", source.call("set_filter", b"udp port 7010"))
    source.call("start")
    flow, other = Flow(), Flow(7010)
    source.on_packet = lambda data, where: BLOCK
    flow.send(3)
    other.send(2)
    source.acquire(2)
    record("seen", len(source.seen))
    record("arrived", [flow.arrived(), other.arrived()])
    record("counted", [source.stats()[name] for name in ("packets_received", "packets_filtered")])


def case_passive(record: Record) -> None:
    source, flow = _begin(mode=daq.PASSIVE)
    source.on_packet = lambda data, where: BLOCK
    flow.send(4)
    source.acquire_all(4)
    record("seen", len(source.seen))
    record("arrived", flow.arrived())


def case_stats(record: Record) -> None:
    source, flow = _begin()
    source.on_packet = lambda data, where: BLOCK if _number(data) < 2 else PASS
    flow.send(5)
    source.acquire_all(5)
    record("counted", source.stats())
    source.call("reset_stats")
    record("reset", source.stats())
    flow.send(2)
    source.acquire_all(7)
    record("again", source.stats())
