# SPDX-License-Identifier: MIT
"""fnfqueue: a Python package that speaks netlink by itself; its reader is a thread, and there first."""

import itertools
import threading

from fnfqueue import ACCEPT, COPY_META, COPY_PACKET, DROP, MAX_PAYLOAD, Connection  # type: ignore
from lane import Flow, chain, enter, settled, to_queue
from run import Record


def _begin(number: int = 0, mode: int = COPY_PACKET) -> tuple[Connection, Flow]:
    enter(to_queue(number), hook="input")
    connection = Connection()
    connection.bind(number).set_mode(MAX_PAYLOAD, mode)
    return connection, Flow(filler=20)


def case_accept_and_drop(record: Record) -> None:
    connection, flow = _begin(3)
    flow.send(12)
    for packet in itertools.islice(connection, 12):
        record("packet", [packet.packet.id, packet.packet.hook, settled(packet.payload).hex()])
        packet.verdict(DROP if packet.packet.id % 3 == 0 else ACCEPT)
    record("arrived", flow.arrived())


def case_changed(record: Record) -> None:
    connection, flow = _begin()
    chain("meta mark 5 drop", hook="input", priority=1, name="after")
    flow.filler = b"the text"
    flow.send(3)
    for packet in itertools.islice(connection, 3):
        number = packet.packet.id
        if number == 2:
            packet.payload = packet.payload[:26] + bytes(2) + packet.payload[28:32] + b"new text"
            packet.mangle()
        elif number == 3:
            packet.mark = 5
            packet.mangle()
        else:
            packet.accept()
    record("arrived", [data.decode("latin1") for data in flow.contents(0.2)])


def case_settings(record: Record) -> None:
    enter()
    connection = Connection()
    queue = connection.bind(4)
    for call in (
        lambda: queue.set_maxlen(10),
        lambda: setattr(queue, "fail_open", True),
        lambda: queue.set_mode(100, COPY_META),
        lambda: connection.bind(4),
        queue.unbind,
        queue.unbind,
    ):
        try:
            call()
            record("done", True)
        except OSError as error:
            record("error", error.errno)


def case_closed_while_it_reads(record: Record) -> None:
    connection, flow = _begin()
    seen = []

    def read() -> None:
        for packet in connection:
            seen.append(packet.packet.id)
            packet.accept()

    thread = threading.Thread(target=read)
    thread.start()
    flow.send(5)
    record("arrived", flow.arrived(0.3))
    connection.close()
    thread.join(10)
    record("ended", not thread.is_alive())
    record("seen", seen)
    flow.send(1)
    record("nobody there", flow.arrived())
