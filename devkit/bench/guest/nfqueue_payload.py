# SPDX-License-Identifier: MIT
"""The package's handler ``payload`` over NFQUEUE, for the target: netlink by hand, as nfqueue_null has it.

What it accepts goes with one verdict for many packets; what it drops gets its own.
"""

from __future__ import annotations

import socket
import struct
import sys

from fastqueue import abi
from fastqueue.handlers import Payload
from fastqueue.rules import read_payload_rules
from nfqueue_null import (  # type: ignore[import-not-found]  # in the target it lies beside this file
    BATCH,
    BATCH_MESSAGE,
    NF_ACCEPT,
    REQUEST,
    VERDICT_HEADER,
    VERDICT_MESSAGE,
    bound,
    message,
)

NF_DROP = 0
ATTRIBUTE = struct.Struct("=HH")
ID = struct.Struct(">I")
FIRST_ATTRIBUTE = 20
PACKET_HEADER, PAYLOAD = 1, 10


def packet_of(data: memoryview) -> tuple[int, memoryview]:
    """Return a message's packet id and payload."""
    number, payload, place = 0, data[:0], FIRST_ATTRIBUTE
    while place < len(data):
        length, kind = ATTRIBUTE.unpack_from(data, place)
        if kind == PACKET_HEADER:
            number = ID.unpack_from(data, place + 4)[0]
        elif kind == PAYLOAD:
            payload = data[place + 4 : place + length]
        place += (length + 3) & ~3
    return number, payload


def serve(sock: socket.socket, handler: Payload) -> None:
    """Decide about packets for good."""
    room = memoryview(bytearray(1 << 17))
    accepted, last = 0, 0
    while True:
        try:
            length = sock.recv_into(room, 0, socket.MSG_DONTWAIT if accepted else 0)
        except BlockingIOError:
            length = 0
        if length:
            number, payload = packet_of(room[:length])
            if handler.decide(payload) == abi.ANSWER_ACCEPT:
                accepted, last = accepted + 1, number
            else:
                verdict(sock, VERDICT_MESSAGE, NF_DROP, number)
        if accepted == BATCH or (accepted and not length):
            verdict(sock, BATCH_MESSAGE, NF_ACCEPT, last)
            accepted = 0


def verdict(sock: socket.socket, kind: int, answer: int, number: int) -> None:
    """Answer one packet, or all up to it."""
    sock.send(message(kind, REQUEST, {VERDICT_HEADER: struct.pack(">II", answer, number)}))


def main() -> None:
    """Run until SIGTERM."""
    handler = Payload(read_payload_rules(sys.argv[1]))
    sock = bound(0xFFFF, False)
    print("ready: queue 0", flush=True)
    serve(sock, handler)


if __name__ == "__main__":
    main()
