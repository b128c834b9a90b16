# SPDX-License-Identifier: MIT
"""NetfilterQueue: the Python package of PyPI; the case itself is the program."""

import select
import socket

from lane import Flow, chain, enter, settled, to_queue
from netfilterqueue import COPY_META, NetfilterQueue, Packet  # type: ignore[import-not-found]
from run import Record

_NETFILTER = 12


def _facts(packet: Packet) -> list[object]:
    """Return all that the package says of a packet, but for times."""
    names = ("id", "hook", "hw_protocol", "mark", "indev", "outdev", "physindev", "physoutdev")
    hardware = packet.get_hw()
    payload = packet.get_payload()
    return [
        *(getattr(packet, name) for name in names), str(packet), packet.get_payload_len(), packet.get_mark(),
        hardware.hex() if hardware else None, settled(payload).hex() if payload else None,
        packet.get_timestamp() > 0,
    ]  # fmt: skip


def _data(packet: Packet) -> bytes:
    payload: bytes = packet.get_payload()
    return payload[28:]


def _with_data(packet: Packet, data: bytes) -> bytes:
    """Return the datagram with other data; UDP's checksum is left out."""
    payload = bytearray(packet.get_payload()[:28] + data)
    payload[2:4] = len(payload).to_bytes(2, "big")
    payload[24:26] = (8 + len(data)).to_bytes(2, "big")
    payload[10:12] = payload[26:28] = bytes(2)
    total = sum(int.from_bytes(payload[at : at + 2], "big") for at in range(0, 20, 2))
    total = (total & 0xFFFF) + (total >> 16)
    payload[10:12] = (~total & 0xFFFF).to_bytes(2, "big")
    return bytes(payload)


def case_accept_and_drop(record: Record) -> None:
    enter(to_queue(), hook="input")
    queue = NetfilterQueue()

    def decide(packet: Packet) -> None:
        record("packet", _facts(packet))
        if packet.id % 3:
            packet.accept()
        else:
            packet.drop()

    queue.bind(0, decide)
    flow = Flow(filler=30)
    flow.send(9)
    queue.run(block=False)
    record("arrived", flow.arrived())
    queue.unbind()
    flow.send(1)
    record("unbound", flow.arrived())


def case_payload(record: Record) -> None:
    enter(to_queue(), hook="input")
    queue = NetfilterQueue()

    def change(packet: Packet) -> None:
        text = _data(packet)
        if text.startswith(b"change"):
            packet.set_payload(_with_data(packet, text[7:]))
            record("changed", [packet.get_payload_len(), settled(packet.get_payload()).hex()])
        packet.accept()

    queue.bind(0, change)
    flow = Flow()
    for text in (b"plain", b"change shorter", b"change " + b"long " * 400, b"change " + b"x" * 6000, b"last"):
        flow.sender.send(text if len(text) < 3000 else b"change")
        queue.run(block=False)
    record("arrived", [data.decode() for data in flow.contents(0.2)])


def case_longer_than_it_came(record: Record) -> None:
    enter(to_queue(), hook="input")
    queue = NetfilterQueue()

    def grow(packet: Packet) -> None:
        packet.set_payload(_with_data(packet, _data(packet) * 100))
        packet.accept()

    queue.bind(0, grow)
    flow = Flow()
    for text in (b"a", b"ten letter", b"a rather long line of text, fifty-one letters of it"):
        flow.sender.send(text)
        queue.run(block=False)
    record("arrived", [[len(data), data[:10].decode()] for data in flow.contents(0.2)])


def case_mark(record: Record) -> None:
    enter(to_queue(), hook="input")
    chain("meta mark 3 drop", hook="input", priority=1, name="after")
    queue = NetfilterQueue()

    def mark(packet: Packet) -> None:
        packet.set_mark(packet.id)
        record("mark", packet.get_mark())
        packet.accept()

    queue.bind(0, mark)
    flow = Flow()
    flow.send(5)
    queue.run(block=False)
    record("arrived", flow.arrived())


def case_repeat(record: Record) -> None:
    enter(to_queue(more="meta mark != 2"), hook="input")
    queue = NetfilterQueue()

    def repeat(packet: Packet) -> None:
        record("packet", [packet.id, packet.mark])
        packet.set_mark(packet.mark + 1)
        packet.repeat()

    queue.bind(0, repeat)
    flow = Flow()
    flow.send(3)
    for _ in range(3):
        queue.run(block=False)
    record("arrived", flow.arrived())


def case_retain(record: Record) -> None:
    enter(to_queue(), hook="input")
    queue = NetfilterQueue()
    kept: list[Packet] = []

    def keep(packet: Packet) -> None:
        packet.retain()
        kept.append(packet)

    queue.bind(0, keep)
    flow = Flow(filler=20)
    flow.send(6)
    queue.run(block=False)
    record("none yet", flow.arrived())
    for packet in (kept[3], kept[0], kept[5], kept[1]):
        record("kept", [packet.id, settled(packet.get_payload()).hex()])
        packet.accept()
    kept[2].drop()
    record("arrived", sorted(flow.arrived()))


def case_metadata_only(record: Record) -> None:
    enter(to_queue(), hook="input")
    queue = NetfilterQueue()

    def look(packet: Packet) -> None:
        record("packet", [packet.id, packet.get_payload_len(), packet.hw_protocol])
        packet.accept()

    queue.bind(0, look, mode=COPY_META)
    flow = Flow(filler=500)
    flow.send(3)
    queue.run(block=False)
    record("arrived", flow.arrived())


def case_limits(record: Record) -> None:
    enter(to_queue(), hook="input")
    queue = NetfilterQueue()
    lengths: list[int] = []

    def look(packet: Packet) -> None:
        lengths.append(packet.get_payload_len())
        packet.accept()

    queue.bind(0, look, max_len=4, range=60, sock_len=1 << 20)
    flow = Flow(filler=500)
    flow.send(10)
    queue.run(block=False)
    record("lengths", lengths)
    record("arrived", flow.arrived())


def case_socket(record: Record) -> None:
    enter(to_queue(), hook="input")
    queue = NetfilterQueue()
    queue.bind(0, lambda packet: packet.accept())
    flow = Flow()
    with socket.fromfd(queue.get_fd(), socket.AF_NETLINK, socket.SOCK_RAW) as copy:
        copy.setblocking(False)
        for _ in range(3):
            flow.send(2)
            record("readable", bool(select.select([copy], [], [], 5)[0]))
            try:
                queue.run_socket(copy)
            except BlockingIOError:
                record("all taken", flow.arrived())


def case_socket_from_elsewhere(record: Record) -> None:
    enter(to_queue(), hook="input")
    # as from a parent with more rights, or in another namespace
    theirs = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER)
    queue = NetfilterQueue(sockfd=theirs.detach())
    queue.bind(0, lambda packet: packet.accept() if packet.id % 2 else packet.drop())
    flow = Flow(filler=200)
    flow.send(5)
    queue.run(block=False)
    record("arrived", flow.arrived())
    queue.unbind()


def case_a_number_twice(record: Record) -> None:
    enter()
    first, second = NetfilterQueue(), NetfilterQueue()
    first.bind(0, lambda packet: packet.accept())
    for queue, number in ((second, 0), (first, 1), (second, 1)):
        try:
            queue.bind(number, lambda packet: packet.accept())
            record("bound", number)
        except (OSError, RuntimeError) as error:
            record("error", str(error))


def case_a_callback_fails(record: Record) -> None:
    enter(to_queue(), hook="input")
    queue = NetfilterQueue()

    def fail(packet: Packet) -> None:
        raise ValueError(f"packet {packet.id}")

    queue.bind(0, fail)
    flow = Flow()
    flow.send(2)
    for _ in range(2):
        try:
            queue.run(block=False)
        except ValueError as error:
            record("error", str(error))
    record("arrived", flow.arrived())
