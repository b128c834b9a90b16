# SPDX-License-Identifier: MIT
"""Packets that a device of another namespace brings to a bridge of this one."""

import os
import socket
import subprocess

import libc
from checks import eventually, holds, same
from lane import Handler, chain, enter, ip, nft
from processes import start, wait


def _there(name: str) -> bool:
    shown = subprocess.run(["ip", "link", "show", "dev", name], check=False, capture_output=True)
    return shown.returncode == 0


def connection() -> None:
    """An unanswered packet does not keep the connection, and so the namespace, that it came from."""
    enter(chain("output", "ether daddr 02:00:00:00:00:02 queue num 0", family="bridge"))
    ip("link add br0 type bridge", "link add d0 type dummy", "link set d0 master br0", "link set d0 up",
       "link set br0 up", "link add link br0 name v0 type vlan id 5")  # fmt: skip
    handler = Handler()
    waits, ready = os.pipe()
    go, start_sending = os.pipe()

    def inside() -> None:
        libc.unshare(libc.CLONE_NEWNET)
        nft(chain("output", "ct state new counter"))
        os.write(ready, b"x")
        os.read(go, 1)
        ip("link set lo up", "link set v0 up", "address add 10.8.0.1/24 dev v0",
           "neigh add 10.8.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent")  # fmt: skip
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("10.8.0.2", 7000))

    pid = start(inside)
    os.read(waits, 1)
    ip(f"link set v0 netns {pid}")
    os.write(start_sending, b"x")
    same(wait(pid), 0, "the namespace's process")
    eventually(lambda: handler.stats().received, "a packet of the other namespace")
    same(handler.stats().occupied, 1, "packets that wait")

    def other() -> None:
        libc.unshare(libc.CLONE_NEWNET)
        os.write(ready, b"x")
        os.read(go, 1)

    pid = start(other)
    os.read(waits, 1)
    ip(f"link add p0 type veth peer name p1 netns {pid}")
    holds(_there("p0"), "the pair")
    os.write(start_sending, b"x")
    wait(pid)
    eventually(lambda: not _there("p0"), "namespaces go while the packet waits", 15)
    same(handler.stats().occupied, 1, "packets that wait")
    handler.close()
