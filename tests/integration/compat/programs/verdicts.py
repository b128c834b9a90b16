# SPDX-License-Identifier: MIT
"""Verdicts, and what becomes of the packets."""

import ctypes
import socket

import library as nfq
from lane import Flow, chain, enter, to_queue
from run import Record


def _begin(*more: str) -> tuple[nfq.Handle, nfq.Queue, Flow]:
    enter(to_queue(), *more)
    handle = nfq.Handle()
    return handle, handle.queue(), Flow()


def _udp(payload: bytes, data: bytes) -> bytes:
    """Return an IPv4 datagram with other data: lengths and the header's checksum right, none for UDP."""
    packet = bytearray(payload[:28] + data)
    packet[2:4] = len(packet).to_bytes(2, "big")
    packet[24:26] = (8 + len(data)).to_bytes(2, "big")
    packet[10:12] = packet[26:28] = b"\0\0"
    total = sum(int.from_bytes(packet[at : at + 2], "big") for at in range(0, 20, 2))
    total = (total & 0xFFFF) + (total >> 16)
    packet[10:12] = (~total & 0xFFFF).to_bytes(2, "big")
    return bytes(packet)


def case_accept_and_drop(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.send(6)
    record("messages", handle.pump())
    record("verdicts", [queue.verdict(number, number % 2) for number, _ in queue.packets])
    record("arrived", flow.arrived())


def case_in_callbacks(record: Record) -> None:
    handle, queue, flow = _begin()
    found = []

    def decide(queue: nfq.Queue, number: int, nfad: int) -> int:
        found.append(queue.verdict(number, nfq.ACCEPT if number % 3 else nfq.DROP))
        return 0

    queue.on_packet = decide
    flow.send(12)
    record("messages", handle.pump())
    record("verdicts", found)
    record("arrived", flow.arrived())


def case_other_order(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.send(6)
    handle.pump()
    for number in (4, 2, 6, 1, 3, 5):
        record(f"verdict {number}", queue.verdict(number, nfq.ACCEPT))
    record("arrived", flow.arrived())


def case_marks(record: Record) -> None:
    handle, queue, flow = _begin()
    chain(
        "meta mark 7 drop",
        "meta mark 0x01020304 udp dport set 7010",
        hook="output",
        priority=10,
        name="after",
    )
    other = Flow(7010)
    flow.send(5)
    handle.pump()
    record("mark 7", queue.verdict2(1, nfq.ACCEPT, 7))
    record("mark 0x01020304", queue.verdict2(2, nfq.ACCEPT, 0x01020304))
    record(
        "network order",
        nfq.called(nfq.NFQ.nfq_set_verdict_mark(queue.pointer, 3, 1, socket.htonl(7), 0, None)),
    )
    record("none", queue.verdict(4, nfq.ACCEPT))
    record("drop with a mark", queue.verdict2(5, nfq.DROP, 1))
    record("arrived", [flow.arrived(), other.arrived()])


def case_payloads(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.filler = b"x" * 30
    flow.send(6)
    handle.pump()
    payloads = [bytes.fromhex(facts["payload"][1]) for _, facts in queue.packets]
    changes = (b"other data of 34 bytes, as it was!", b"short", b"l" * 100, b"m" * 1400, b"n" * 6000)
    for number, data in enumerate(changes, 1):
        record(f"{len(data)} bytes", queue.verdict(number, nfq.ACCEPT, _udp(payloads[number - 1], data)))
    record("dropped", queue.verdict(6, nfq.DROP, _udp(payloads[5], b"gone")))
    record("arrived", [data.decode("latin-1") for data in flow.contents(0.2)])


def case_payload_and_mark(record: Record) -> None:
    handle, queue, flow = _begin()
    chain("meta mark != 9 drop", priority=10, name="after")
    flow.send(2)
    handle.pump()
    payload = bytes.fromhex(queue.packets[0][1]["payload"][1])
    record("both", queue.verdict2(1, nfq.ACCEPT, 9, _udp(payload, b"both")))
    record("payload", queue.verdict(2, nfq.ACCEPT, _udp(payload, b"payload")))
    record("arrived", [data.decode() for data in flow.contents(0.1)])


def case_payload_too_long(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.send(2)
    handle.pump()
    record("4 MB", queue.verdict(1, nfq.ACCEPT, bytes(4 << 20)))
    record("not arrived", flow.arrived())
    record("as they are", [queue.verdict(number, nfq.ACCEPT) for number in (1, 2)])
    record("arrived", flow.arrived())


def case_payload_after_a_part(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.filler = b"x" * 100
    for mode, size in ((nfq.COPY_PACKET, 28), (nfq.COPY_META, 0)):
        queue.mode(mode, size)
        flow.send(3)
        handle.pump()
        header = bytes.fromhex("4500001c000040004011000000000000") + bytes(12)
        packet = bytearray(_udp(header, b"in its place"))
        packet[12:20] = bytes((127, 0, 0, 1, 127, 0, 0, 1))
        packet[20:24] = (7001).to_bytes(2, "big") + (7000).to_bytes(2, "big")
        whole = _udp(bytes(packet), b"in its place")
        first = queue.packets[0][0]
        record(f"changed {mode}", queue.verdict(first, nfq.ACCEPT, whole))
        record(f"others {mode}", [queue.verdict(first + more, nfq.ACCEPT) for more in (1, 2)])
        queue.packets.clear()
        record(f"arrived {mode}", [data.decode("latin-1") for data in flow.contents(0.1)])


def case_batch(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.send(10)
    handle.pump()
    record("one before", queue.verdict(3, nfq.DROP))
    record("up to 6", queue.batch(6, nfq.ACCEPT))
    record("arrived", flow.arrived())
    record("again", queue.batch(6, nfq.ACCEPT))
    record("its answer", handle.pump())
    record("up to 8", queue.batch(8, nfq.DROP))
    record("up to 1000", queue.batch(1000, nfq.ACCEPT))
    record("arrived later", flow.arrived())
    record("nothing left", queue.batch(5000, nfq.ACCEPT))
    record("its answer too", handle.pump())


def case_batch_with_mark(record: Record) -> None:
    handle, queue, flow = _begin()
    chain("meta mark 7 drop", priority=10, name="after")
    flow.send(6)
    handle.pump()
    record("mark 7", queue.batch2(2, nfq.ACCEPT, 7))
    record("mark 8", queue.batch2(4, nfq.ACCEPT, 8))
    record("no mark", queue.batch(6, nfq.ACCEPT))
    record("arrived", flow.arrived())


def case_batch_of_unseen(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.send(3)
    record("first", handle.recv() > 0)
    record("all", queue.batch(3, nfq.ACCEPT))
    record("arrived", flow.arrived())


def case_unknown_ids(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.send(1)
    handle.pump()
    for number in (0, 2, 99, 0xFFFFFFFF):
        record(f"verdict {number}", queue.verdict(number, nfq.ACCEPT))
        record(f"answer {number}", handle.pump())
    record("right", queue.verdict(1, nfq.ACCEPT))
    record("arrived", flow.arrived())
    record("twice", queue.verdict(1, nfq.DROP))
    record("answer", handle.pump())


def case_error_messages(record: Record) -> None:
    handle, queue, _flow = _begin()
    record("verdict", queue.verdict2(4, nfq.ACCEPT, 3))
    length = handle.recv()
    data = bytearray(handle.received(length))
    data[12:16] = data[28 + 0 : 32] = bytes(4)  # port ids and sequence numbers differ by nature
    data[8:16] = bytes(8)
    record("length and error", [length, data[:8].hex(), data[16:24].hex()])


def case_unknown_verdicts(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.send(1)
    handle.pump()
    for verdict in (nfq.STOLEN, 6, 255):
        record(f"verdict {verdict}", queue.verdict(1, verdict))
        record(f"answer {verdict}", handle.pump())
    record("right", queue.verdict(1, nfq.ACCEPT))
    record("arrived", flow.arrived())


def case_repeat(record: Record) -> None:
    enter("meta mark 5 accept", to_queue())
    handle = nfq.Handle()
    queue, flow = handle.queue(), Flow()
    flow.send(2)
    handle.pump()
    record("repeat with a mark", queue.verdict2(1, nfq.REPEAT, 5))
    record("repeat", queue.verdict(2, nfq.REPEAT))
    record("arrived", flow.arrived())
    record("again", handle.pump())
    record("ids", [number for number, _ in queue.packets])


def case_to_another_queue(record: Record) -> None:
    handle, queue, flow = _begin()
    second = handle.queue(21)
    flow.send(2)
    handle.pump()
    record("to 21", queue.verdict(1, nfq.QUEUE | 21 << 16))
    record("to nobody", queue.verdict(2, nfq.QUEUE | 22 << 16))
    record("messages", handle.pump())
    record("ids", [number for number, _ in second.packets])
    record("verdict", second.verdict(1, nfq.ACCEPT))
    record("arrived", flow.arrived())


def case_never_answered(record: Record) -> None:
    handle, queue, flow = _begin()

    def answer(queue: nfq.Queue, number: int, _nfad: int) -> int:
        if number % 1000 != 1:
            queue.verdict(number, nfq.ACCEPT)
        return 0

    queue.on_packet = answer
    arrived = 0
    for _ in range(80):
        flow.send(64)
        handle.pump()
        arrived += len(flow.contents())
    record("arrived", arrived + len(flow.contents(0.2)))
    record("late", [queue.verdict(number, nfq.ACCEPT) for number in (1, 1001, 2001, 3001, 4001, 5001)])
    record("arrived late", flow.arrived())


def case_after_destroy(record: Record) -> None:
    enter(to_queue(1), to_queue(2, 7010))
    handle = nfq.Handle()
    first, second = handle.queue(1), handle.queue(2)
    flow, other = Flow(), Flow(7010)
    flow.send(2)
    other.send(2)
    record("messages", sorted(handle.pump()))
    record("destroy", first.destroy())
    record("others", [second.verdict(number, nfq.ACCEPT) for number, _ in second.packets])
    record("arrived", [flow.arrived(), other.arrived()])
    flow.send(1)
    other.send(1)
    record("later", handle.pump())


_BYPASS = 0x8000


def case_bits(record: Record) -> None:
    """A verdict's number with other bits beside it; queue 21 has a handler, 22 and 23 have none."""
    handle, queue, flow = _begin()
    other = nfq.Handle()
    second = other.queue(21)
    words = (
        nfq.ACCEPT | _BYPASS,
        nfq.ACCEPT | 5 << 16,
        nfq.DROP | _BYPASS,
        nfq.DROP | 0xFFF3 << 16,  # NF_DROP_ERR()
        nfq.REPEAT | _BYPASS,
        nfq.REPEAT | 1 << 16,
        nfq.QUEUE | 22 << 16,
        nfq.QUEUE | 22 << 16 | _BYPASS,
        nfq.QUEUE | 21 << 16 | _BYPASS,
        nfq.QUEUE | 23 << 16 | 0x4000,
        nfq.STOLEN | _BYPASS,
    )
    flow.send(len(words))
    handle.pump()
    for number, word in enumerate(words, 1):
        record(f"verdict 0x{word:x}", queue.verdict(number, word))
        record(f"arrived 0x{word:x}", flow.arrived(0.05))
    record("answer", handle.pump())
    record("in the other queue", [second.verdict(number, nfq.ACCEPT) for number, _ in _pumped(other, second)])
    record("arrived", flow.arrived())


def _pumped(handle: nfq.Handle, queue: nfq.Queue) -> list[tuple[int, dict[str, object]]]:
    handle.pump()
    return queue.packets


def case_bits_of_batches(record: Record) -> None:
    handle, queue, flow = _begin()
    flow.send(6)
    handle.pump()
    record("bypass", queue.batch(2, nfq.QUEUE | 22 << 16 | _BYPASS))
    record("arrived", flow.arrived())
    record("repeat with a bit", queue.batch(4, nfq.REPEAT | _BYPASS))
    record("accept with a bit", queue.batch(6, nfq.ACCEPT | _BYPASS))
    record("arrived later", flow.arrived())


def case_payload_as_it_was(record: Record) -> None:
    """Given back where it is, and in a copy; then changed in place, and in both."""
    handle, queue, flow = _begin()
    flow.filler = b"x" * 40
    step = [0]

    def decide(queue: nfq.Queue, number: int, nfad: int) -> int:
        start = ctypes.c_void_p()
        length = nfq.NFQ.nfq_get_payload(nfad, ctypes.byref(start))
        payload = ctypes.string_at(start, length)
        pointer: ctypes.c_char_p | ctypes.c_void_p = ctypes.c_char_p(payload) if step[0] % 2 else start
        if step[0] in {2, 3}:  # no checksum, other text
            changed = payload[:26] + bytes(2) + payload[28:-3] + b"yyy"
            ctypes.memmove(start, changed, length)
            pointer = ctypes.c_char_p(changed) if step[0] == 3 else start
        step[0] += 1
        found = nfq.NFQ.nfq_set_verdict(
            queue.pointer, number, nfq.ACCEPT, length, ctypes.cast(pointer, ctypes.c_char_p)
        )
        record(f"verdict {number}", found)
        return 0

    queue.on_packet = decide
    flow.send(4)
    record("handled", handle.pump())
    record("arrived", [data.decode("latin-1") for data in flow.contents(0.2)])
