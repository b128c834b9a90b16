# SPDX-License-Identifier: MIT
"""A routing domain of its own (VRF): a local packet passes each hook twice, the second time by its port."""

import contextlib
import socket
import struct
import subprocess
import time

from changes import checksum
from checks import holds, same
from fastqueue import abi
from fastqueue.meta import Meta
from lane import Handler, ip, nft
from nets import Hosts, address, index

_OUTPUT, _POSTROUTING = 3, 4


def _echo(number: int) -> bytes:
    body = struct.pack("!HH", 77, number) + b"contents"
    return struct.pack("!BBH", 8, 0, 0xFFFF - checksum(b"\x08\0\0\0" + body)) + body


def _rules(hook: str) -> str:
    rule = 'oifname { "tvrf", "eth0" } icmp type echo-request queue num 0'
    return f"table inet t{hook} {{ chain c {{ type filter hook {hook} priority 0; {rule}; }}; }}"


def icmp() -> None:
    """An echo request passes output and postrouting of the VRF, then of its port; dropped at each in turn."""
    holds(not subprocess.run(["modprobe", "vrf"], check=False).returncode, "the kernel has VRF")
    hosts = Hosts()
    with hosts.inside("a"):
        ip("link add tvrf type vrf table 10", "link set tvrf up", "link set eth0 master tvrf",
           "route add default via 10.0.1.1 table 10")  # fmt: skip
        nft(_rules("output"))
        nft(_rules("postrouting"))
        handler = Handler(frames=16)
        pinger = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        pinger.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"tvrf")
        places = [(hook, index(name)) for name in ("tvrf", "eth0") for hook in (_OUTPUT, _POSTROUTING)]
    for number, stop in enumerate((None, 0, 1, 2, 3)):
        pinger.sendto(_echo(number), (address(2), 0))
        passed = _pass(handler, stop)
        same(passed, places[: len(places) if stop is None else stop + 1], "hooks and interfaces")
        if stop is None:
            same(_reply(pinger), number, "the reply")
    time.sleep(0.05)
    with contextlib.suppress(BlockingIOError):
        raise AssertionError(f"a reply to what was dropped: {_reply(pinger, 0)}")
    same((handler.stats().accepted, handler.stats().dropped), (4 + 0 + 1 + 2 + 3, 4), "accepted, dropped")


def _pass(handler: Handler, stop: int | None) -> list[tuple[int, int]]:
    """Let one packet go on, and drop it the ``stop``-th time it comes; return where it was met."""
    met: list[tuple[int, int]] = []
    while handler.fa != handler.fp:
        count = handler.fp
        meta = Meta.read(handler.device.ring.meta, count & handler.device.ring.mask)
        handler.put(count, abi.ANSWER_DROP if len(met) == stop else abi.ANSWER_ACCEPT)
        met.append((meta.hook, meta.outdev))
        handler.settle()
    return met


def _reply(pinger: socket.socket, patience: float = 10) -> int:
    """Return the number of the next reply."""
    pinger.settimeout(patience)
    while True:
        data = pinger.recv(2048)
        if data[20] == 0:
            return int.from_bytes(data[26:28], "big")
