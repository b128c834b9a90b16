# SPDX-License-Identifier: MIT
"""NFQUEUE's handler in Python, for the target: netlink by hand, at its best, accepts everything.

Batch verdicts, a receive buffer of 8 MiB, no ENOBUFS. It reads of each packet only what a verdict
needs, the id; a handler that looks at packets costs more.
"""

from __future__ import annotations

import argparse
import signal
import socket
import struct

NETLINK_NETFILTER = 12
SOL_NETLINK = 270
NETLINK_NO_ENOBUFS = 5
SO_RCVBUFFORCE = 33
SUBSYSTEM = 3 << 8
VERDICT_MESSAGE, CONFIG_MESSAGE, BATCH_MESSAGE = 1, 2, 3
REQUEST, ACK = 1, 4
CMD, PARAMS, QUEUE_MAXLEN, MASK, FLAGS = 1, 2, 3, 4, 5
TAKE_GSO = 1 << 2
BIND, COPY_PACKET = 1, 2
PACKET_HEADER, VERDICT_HEADER = 1, 2
NF_ACCEPT = 1
BATCH = 64

#: Message length; of the first attribute, which is the packet's header, the type and the id.
LENGTH = struct.Struct("=I")
FIRST = struct.Struct("=HI")
FIRST_AT = 22


def message(kind: int, flags: int, attributes: dict[int, bytes]) -> bytes:
    """Return a message to queue 0 with attributes, whose values are by type."""
    body = struct.pack("=BBH", 0, 0, 0)
    for attribute, value in attributes.items():
        size = 4 + len(value)
        body += struct.pack("=HH", size, attribute) + value + bytes(-size % 4)
    return struct.pack("=IHHII", 16 + len(body), SUBSYSTEM | kind, flags, 0, 0) + body


def configure(sock: socket.socket, attributes: dict[int, bytes]) -> None:
    """Send settings and wait for their acknowledgement; OSError where the kernel refuses."""
    sock.send(message(CONFIG_MESSAGE, REQUEST | ACK, attributes))
    error = -struct.unpack_from("=i", sock.recv(4096), 16)[0]
    if error:
        raise OSError(error, "the queue cannot be bound or set up")


def bound(copy_range: int, gso: bool) -> socket.socket:
    """Return a socket that gets the packets of queue 0, so many bytes of each."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.bind((0, 0))
    configure(sock, {CMD: struct.pack(">BxH", BIND, socket.AF_INET)})
    configure(sock, {PARAMS: struct.pack(">IB", copy_range, COPY_PACKET)})
    configure(sock, {QUEUE_MAXLEN: struct.pack(">I", 2048)})
    if gso:
        configure(sock, {MASK: struct.pack(">I", TAKE_GSO), FLAGS: struct.pack(">I", TAKE_GSO)})
    sock.setsockopt(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    return sock


def serve(sock: socket.socket) -> None:
    """Accept packets for good: all that are there with one verdict, BATCH at most."""
    receive, send, first = sock.recv_into, sock.send, FIRST.unpack_from
    room = memoryview(bytearray(1 << 17))
    head = message(BATCH_MESSAGE, REQUEST, {VERDICT_HEADER: struct.pack(">II", NF_ACCEPT, 0)})[:-4]
    pack = LENGTH.pack
    while True:
        receive(room)
        number = 1
        last = first(room, FIRST_AT)[1]
        while number < BATCH:
            try:
                receive(room, 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            last = first(room, FIRST_AT)[1]
            number += 1
        send(head + pack(last))


def main() -> None:
    """Run until SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copy-range", type=int, default=0xFFFF)
    parser.add_argument("--gso", action="store_true")
    options = parser.parse_args()
    sock = bound(options.copy_range, options.gso)
    print("ready: queue 0", flush=True)
    serve(sock)


if __name__ == "__main__":
    main()
