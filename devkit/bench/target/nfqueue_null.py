# SPDX-License-Identifier: MIT
"""NFQUEUE's handler in Python, for the target: netlink by hand, at its best, accepts everything.

Batch verdicts, a receive buffer of 8 MiB, no ENOBUFS. It reads of each packet only what a verdict
needs, the id; a handler that looks at packets costs more.
"""

from __future__ import annotations

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
CMD, PARAMS, QUEUE_MAXLEN = 1, 2, 3
BIND, COPY_PACKET = 1, 2
PACKET_HEADER, VERDICT_HEADER = 1, 2
NF_ACCEPT = 1
BATCH = 64

#: Message length; of the first attribute, which is the packet's header, the type and the id.
LENGTH = struct.Struct("=I")
FIRST = struct.Struct("=HI")
FIRST_AT = 22


def message(kind: int, flags: int, attribute: int, value: bytes) -> bytes:
    """Return a message to queue 0 with one attribute."""
    size = 4 + len(value)
    body = struct.pack("=BBH", 0, 0, 0) + struct.pack("=HH", size, attribute) + value + bytes(-size % 4)
    return struct.pack("=IHHII", 16 + len(body), SUBSYSTEM | kind, flags, 0, 0) + body


def configure(sock: socket.socket, attribute: int, value: bytes) -> None:
    """Send one setting and wait for its acknowledgement; OSError where the kernel refuses."""
    sock.send(message(CONFIG_MESSAGE, REQUEST | ACK, attribute, value))
    error = -struct.unpack_from("=i", sock.recv(4096), 16)[0]
    if error:
        raise OSError(error, "the queue cannot be bound or set up")


def bound() -> socket.socket:
    """Return a socket that gets the packets of queue 0."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.bind((0, 0))
    configure(sock, CMD, struct.pack(">BxH", BIND, socket.AF_INET))
    configure(sock, PARAMS, struct.pack(">IB", 0xFFFF, COPY_PACKET))
    configure(sock, QUEUE_MAXLEN, struct.pack(">I", 2048))
    sock.setsockopt(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    return sock


def serve(sock: socket.socket) -> None:
    """Accept packets for good: all that are there with one verdict, BATCH at most."""
    receive, send, first = sock.recv_into, sock.send, FIRST.unpack_from
    room = memoryview(bytearray(1 << 17))
    head = message(BATCH_MESSAGE, REQUEST, VERDICT_HEADER, struct.pack(">II", NF_ACCEPT, 0))[:-4]
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
    sock = bound()
    print("ready: queue 0", flush=True)
    serve(sock)


if __name__ == "__main__":
    main()
