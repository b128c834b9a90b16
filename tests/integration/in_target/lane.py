# SPDX-License-Identifier: MIT
"""A network namespace whose loopback traffic is queued, and datagrams through it."""

import ctypes
import socket
import subprocess
import time

PORT = 7000
_NEWNET = 0x40000000
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33


def enter(*rules: str, hook: str = "output", priority: int = 0) -> None:
    """Go into a new namespace where ``rules`` hold on a hook."""
    leave()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    chain(*rules, hook=hook, priority=priority)


def leave() -> None:
    """Go into a new namespace that has nothing; sockets stay where they are."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")


def chain(*rules: str, hook: str = "output", priority: int = 0, name: str = "t") -> None:
    """Add a base chain."""
    head = f"type filter hook {hook} priority {priority}; policy accept"
    text = f"table inet {name} {{ chain {hook} {{ {head}; {'; '.join(rules)}; }}; }}"
    subprocess.run(["nft", text], check=True)


def to_queue(number: int = 0, port: int = PORT, more: str = "") -> str:
    """Return the rule that queues datagrams to a port."""
    return f"udp dport {port} {more} queue num {number}"


def settled(packet: bytes) -> bytes:
    """Return a packet without what chance decides: IPv4's identification and so its checksum, IPv6's flow."""
    if packet[0] >> 4 == 4:
        return (
            packet[:4] + bytes(2) + packet[6:10] + bytes(2) + packet[12:] if len(packet) >= 12 else packet[:4]
        )
    return packet[:1] + bytes(3) + packet[4:]


class Flow:
    """Numbered datagrams from this process to itself."""

    def __init__(
        self, port: int = PORT, family: socket.AddressFamily = socket.AF_INET, filler: int = 0
    ) -> None:
        address = "127.0.0.1" if family == socket.AF_INET else "::1"
        self.sent = 0
        self.filler = bytes(filler)
        self.receiver = socket.socket(family, socket.SOCK_DGRAM)
        self.receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
        self.receiver.bind((address, port))
        self.sender = socket.socket(family, socket.SOCK_DGRAM)
        self.sender.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, 8 << 20)
        self.sender.setblocking(False)
        self.sender.bind((address, port + 1))
        self.sender.connect((address, port))

    def send(self, number: int = 1) -> None:
        """Send datagrams."""
        for each in range(self.sent, self.sent + number):
            self.sender.send(each.to_bytes(4, "big") + self.filler)
        self.sent += number

    def contents(self, patience: float = 0.0) -> list[bytes]:
        """Return what came, after ``patience`` seconds in which more may come."""
        found = []
        until = time.monotonic() + patience
        while True:
            try:
                found.append(self.receiver.recv(65536, socket.MSG_DONTWAIT))
            except BlockingIOError:
                if time.monotonic() >= until:
                    return found
                time.sleep(0.002)

    def arrived(self, patience: float = 0.1) -> list[int]:
        """Return the numbers of the datagrams that came."""
        return [int.from_bytes(data[:4], "big") for data in self.contents(patience)]
