# SPDX-License-Identifier: MIT
"""What a callback learns about packets."""

import ctypes
import os
import re
import socket
from typing import Any

import library as nfq
from lane import Flow, enter, to_queue
from run import Record


def _one(record: Record, handle: nfq.Handle, queue: nfq.Queue, what: str) -> None:
    length = handle.recv()
    head = handle.received(min(length, 20)).hex()
    record(f"{what}: message", [length, head, handle.handle(length)])
    number, facts = queue.packets.pop()
    record(f"{what}: facts", [number, facts])
    record(f"{what}: verdict", queue.verdict(number, nfq.ACCEPT))


def _modes(record: Record, flow: Flow, handle: nfq.Handle, queue: nfq.Queue) -> None:
    shapes = [(nfq.COPY_META, 0), *((nfq.COPY_PACKET, size) for size in (0, 1, 20, 28, 29, 64, 100, 65535))]
    for mode, size in shapes:
        queue.mode(mode, size)
        # without it Fast Queue completes checksums for readers of metadata, too
        queue.flags(nfq.GSO, nfq.GSO if mode == nfq.COPY_META else 0)
        flow.send()
        _one(record, handle, queue, f"mode {mode} range {size}")
    record("arrived", flow.arrived())


def case_output(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    _modes(record, Flow(filler=40), handle, handle.queue(mode=None))


def case_input(record: Record) -> None:
    enter(to_queue(), hook="input")
    handle = nfq.Handle()
    _modes(record, Flow(filler=40), handle, handle.queue(mode=None))


def case_prerouting_ipv6(record: Record) -> None:
    enter(to_queue(77), hook="prerouting")
    handle = nfq.Handle()
    _modes(record, Flow(family=socket.AF_INET6, filler=40), handle, handle.queue(77, mode=None))


def case_mark_and_priority(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    flow = Flow()
    flow.sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0x12345678)
    flow.sender.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 5)
    flow.send()
    _one(record, handle, queue, "marked")


def case_owner(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    os.setegid(12)
    os.seteuid(34)
    flow_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    flow_socket.bind(("127.0.0.1", 7001))
    os.seteuid(0)
    for flags in (0, nfq.UID_GID):
        queue.flags(nfq.UID_GID, flags)
        flow_socket.sendto(b"who", ("127.0.0.1", 7000))
        _one(record, handle, queue, f"flags {flags}")


def case_xml(record: Record) -> None:
    enter(to_queue(), hook="input")
    handle = nfq.Handle()
    queue = handle.queue()
    flow = Flow()
    flow.sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 77)
    found: list[Any] = []

    def texts(queue: nfq.Queue, number: int, nfad: int) -> int:
        found.extend(nfq.xml(nfad, flags) for flags in (0, 1, 2, 4, 8, 16, 64, 128, 0x1DF))
        found.extend(nfq.xml(nfad, 0x1DF, size) for size in (1, 10, 100))
        queue.verdict(number, nfq.ACCEPT)
        return 0

    queue.on_packet = texts
    flow.send()
    record("handled", handle.pump())
    # of the packet all but its identification and checksum
    record(
        "texts", [[length, re.sub("(<payload>.{8}).{4}(.{8}).{4}", r"\1\2", text)] for length, text in found]
    )


def case_sizes(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    for size in (0, 1000, 1996, 2016, 2017, 3000, 9000, 16000, 40000, 65000, 100):
        flow = Flow(filler=size)
        flow.send(2)
        record(f"{size}: messages", handle.pump())
        record(f"{size}: payloads", [facts["payload"][0] for _, facts in queue.packets])
        record(f"{size}: verdicts", [queue.verdict(number, nfq.ACCEPT) for number, _ in queue.packets])
        queue.packets.clear()
        record(f"{size}: arrived", [len(data) for data in flow.contents(0.1)])
        flow.sender.close()
        flow.receiver.close()


def case_sizes_with_packets_out(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    flow = Flow()
    for filler in (10, 20, 5000, 30, 30000, 40):
        flow.filler = bytes(filler)
        flow.send(2)
        record(f"messages {filler}", handle.pump())
    record("packets", [(number, facts["payload"][0]) for number, facts in queue.packets])
    for number, _ in (*queue.packets[::2], *queue.packets[1::2]):
        record(f"verdict {number}", queue.verdict(number, nfq.DROP if number == 7 else nfq.ACCEPT))
    record("arrived", sorted(flow.arrived()))


def case_short_buffer(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    flow = Flow(filler=1000)
    flow.send(4)
    for size, flags in ((500, 0), (500, nfq.MSG_TRUNC), (0, 0)):
        length = handle.recv(nfq.MSG_DONTWAIT | flags, size)
        record(f"{size} {flags}", [length, handle.handle(min(length, size))])
    record("the next", handle.pump())
    record("ids", [number for number, _ in queue.packets])


def case_peek(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    Flow(filler=100).send(2)
    peeked = handle.recv(nfq.MSG_DONTWAIT | nfq.MSG_PEEK)
    record("peek", peeked)
    record("peek for the length", handle.recv(nfq.MSG_DONTWAIT | nfq.MSG_PEEK | nfq.MSG_TRUNC, 0))
    record("all", handle.pump())
    record("ids", [number for number, _ in queue.packets])


def case_bad_messages(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    for data in (b"", bytes(16), b"\xff" * 64, (20).to_bytes(4, "little") + bytes(16), b"\x10" + bytes(40)):
        ctypes.memmove(handle.buffer, data, len(data))
        record(data.hex(), handle.handle(len(data)))
    Flow().send()
    length = handle.recv()
    record("cut", [handle.handle(length - 1), len(queue.packets)])
    record("whole", [handle.handle(length), len(queue.packets)])


def case_callback_results(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    results = [0, 1, 5, -1, -5]
    queue.on_packet = lambda queue, number, nfad: results.pop(0)
    Flow().send(5)
    record("results", [result for _, result in handle.pump()])
