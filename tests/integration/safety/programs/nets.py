# SPDX-License-Identifier: MIT
"""Two hosts in namespaces of their own, and this program's namespace between them: router or bridge."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator

import libc
from checks import same
from lane import deliver, enter, ip, nft

MTU = 1500


class Hosts:
    """``a`` and ``b``, each with a veth to this namespace: ``pa`` and ``pb`` here, ``eth0`` there."""

    def __init__(self, *scripts: str, bridged: bool = False) -> None:
        enter()
        self._home = _namespace()
        self._spaces = {}
        for name in ("a", "b"):
            libc.unshare(libc.CLONE_NEWNET)
            self._spaces[name] = _namespace()
            libc.setns(self._home, libc.CLONE_NEWNET)
            at = f"/proc/{os.getpid()}/fd/{self._spaces[name]}"
            ip(f"link add p{name} type veth peer name eth0 netns {at}", f"link set p{name} up")
        if bridged:
            ip(
                "link add br0 type bridge",
                "link set pa master br0",
                "link set pb master br0",
                "link set br0 up",
            )
        else:
            _write("ipv4/ip_forward", "1")
            _write("ipv6/conf/all/forwarding", "1")
            ip("address add 10.0.1.1/24 dev pa", "address add 10.0.2.1/24 dev pb",
               "address add fd00:1::1/64 dev pa nodad", "address add fd00:2::1/64 dev pb nodad")  # fmt: skip
        for number, name in ((1, "a"), (2, "b")):
            with self.inside(name):
                self._settle(number, bridged)
        for script in scripts:
            nft(script)

    def _settle(self, number: int, bridged: bool) -> None:
        if bridged:
            ip("link set lo up", "link set eth0 up", f"address add 10.0.1.{number + 1}/24 dev eth0",
               f"address add fd00:1::{number + 1}/64 dev eth0 nodad")  # fmt: skip
        else:
            ip("link set lo up", "link set eth0 up", f"address add 10.0.{number}.2/24 dev eth0",
               f"address add fd00:{number}::2/64 dev eth0 nodad", f"route add default via 10.0.{number}.1",
               f"route add default via fd00:{number}::1")  # fmt: skip

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Be in a host; what is opened there stays there."""
        libc.setns(self._spaces[name], libc.CLONE_NEWNET)
        try:
            yield
        finally:
            libc.setns(self._home, libc.CLONE_NEWNET)

    def socket(self, name: str, kind: int, version: int = 4) -> socket.socket:
        """Return a socket of a host."""
        with self.inside(name):
            return socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, kind)


def address(number: int, version: int = 4, *, bridged: bool = False) -> str:
    """Return the address of host 1 (``a``) or 2 (``b``)."""
    if bridged:
        return f"10.0.1.{number + 1}" if version == 4 else f"fd00:1::{number + 1}"
    return f"10.0.{number}.2" if version == 4 else f"fd00:{number}::2"


class Datagrams:
    """Numbered UDP from ``a`` to ``b``."""

    def __init__(self, hosts: Hosts, version: int = 4, *, bridged: bool = False, port: int = 7000) -> None:
        self.sent = 0
        self._receiver = hosts.socket("b", socket.SOCK_DGRAM, version)
        self._receiver.bind(("", port))
        self._sender = hosts.socket("a", socket.SOCK_DGRAM, version)
        self._sender.connect((address(2, version, bridged=bridged), port))

    def send(self, number: int = 1) -> list[int]:
        """Send; return the numbers."""
        numbers = list(range(self.sent, self.sent + number))
        for each in numbers:
            self._sender.send(each.to_bytes(4, "big"))
        self.sent += number
        deliver()
        return numbers

    def close(self) -> None:
        """Close both sockets."""
        self._sender.close()
        self._receiver.close()

    def arrived(self) -> list[int]:
        """Return the numbers that came since the last time."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(int.from_bytes(self._receiver.recv(64, socket.MSG_DONTWAIT), "big"))
        return found


def index(name: str) -> int:
    """Return the number of an interface here."""
    return socket.if_nametoindex(name)


def expect(flow: Datagrams, wanted: list[int], what: str) -> None:
    """Fail unless these packets arrive; a neighbour may have to be asked for first."""
    found = flow.arrived()
    until = time.monotonic() + 10
    while len(found) < len(wanted) and time.monotonic() < until:
        time.sleep(0.005)
        found += flow.arrived()
    same(found, wanted, f"packets, {what}")


def _namespace() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _write(name: str, value: str) -> None:
    with open(f"/proc/sys/net/{name}", "w") as file:  # noqa: PTH123 start-up time
        file.write(value)
