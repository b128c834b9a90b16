# SPDX-License-Identifier: MIT
"""Numbered datagrams from the client to the server: harmless ones, and ones that a drop rule covers.

Each is a flow of its own, so that what Suricata decides about one says nothing of the next.
"""

from __future__ import annotations

import re
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum

from replay import Replay
from scapy.layers.inet import UDP
from scapy.packet import Raw
from sessions import CLIENT, SERVER, network

_PORTS = range(1024, 61_024)
#: Where a datagram has its source port: behind an IPv4 header without options.
_SOURCE_PORT = 20
_NUMBER = re.compile(rb"datagram (\d{8})$")


class Kind(Enum):
    """What a datagram says."""

    HARMLESS = b"nothing that anybody minds"
    #: Of a rule in rules.txt, for any port.
    COVERED = b"FQ-UDP-FLOOD-BOT"
    #: Of ADDED_RULE.
    ADDED = b"FQ-WORD-OF-A-LATER-RULE"


ADDED_RULE = (
    f'drop udp any any -> any any (msg:"Added by a reload"; content:"{Kind.ADDED.value.decode()}"; '
    "sid:2000100; rev:1;)"
)
MIXED = (Kind.HARMLESS, Kind.COVERED)


def _template(kind: Kind) -> bytes:
    payload = kind.value + b" datagram %08d" % 0
    # Without a checksum, which IPv4 allows: port and number are written over.
    return bytes(network(CLIENT) / UDP(sport=1, dport=7000, chksum=0) / Raw(payload))


def eventually(condition: Callable[[], object], what: str, patience: float = 60.0) -> None:
    """Wait until it is so; fail after ``patience`` s."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(0.01)


class Numbered:
    """What was sent; a datagram's number is its place in ``sent``."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._templates = {kind: _template(kind) for kind in Kind}
        self.sent: list[Kind] = []
        replay.taken()

    def send(self, kinds: Sequence[Kind]) -> None:
        """Send one of each, in this order, without waiting for them."""
        packets = [self._packet(kind, len(self.sent) + place) for place, kind in enumerate(kinds)]
        self._replay.send(CLIENT, packets)
        self.sent.extend(kinds)

    def _packet(self, kind: Kind, number: int) -> bytes:
        packet = bytearray(self._templates[kind])
        struct.pack_into("!H", packet, _SOURCE_PORT, _PORTS[number % len(_PORTS)])
        packet[-8:] = b"%08d" % number
        return bytes(packet)

    def numbers(self, *kinds: Kind, start: int = 0, end: int | None = None) -> list[int]:
        """Return the numbers of all of these kinds that were sent, from ``start`` to before ``end``."""
        sent = self.sent[:end]
        return [number for number in range(start, len(sent)) if sent[number] in kinds]

    def arrived(self) -> list[int]:
        """Return the numbers of what the server got since the last call, in its order; each came once."""
        found = [number for frame in self._replay.taken()[SERVER] for number in _numbers_in(frame)]
        assert len(set(found)) == len(found), "a datagram came twice"
        return found

    def seen(self) -> int:
        """Return how many frames wait for arrived()."""
        return self._replay.waiting(SERVER)

    @contextmanager
    def flowing(self, kinds: Sequence[Kind], pause: float = 0.01, *, checked: bool = False) -> Iterator[None]:
        """Have these sent again and again meanwhile, from another thread, with ``pause`` s between.

        ``checked``: each turn waits until the one before has been decided about, so that none is lost on
        its way to the target.
        """
        ends = threading.Event()

        def work() -> None:
            while not ends.wait(pause):
                self.send(kinds)
                assert not checked or self._replay.through(), "nothing passes the target any more"

        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(work)
            try:
                yield
            finally:
                ends.set()
                running.result()


def _numbers_in(frame: bytes) -> Iterator[int]:
    found = _NUMBER.search(frame)
    if found:
        yield int(found[1])
