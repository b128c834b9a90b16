# SPDX-License-Identifier: MIT
"""``frame.accept(payload=...)``: bytes leave as written, completed only as far as the handler asks for it."""

import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from changes import ICMP, ICMP6, TCP, UDP, Raw, check, packet
from checks import holds, same
from fastqueue import Frame, Queue, RingOptions
from lane import Flow, chain, deliver, enter

KINDS = ((4, UDP), (4, TCP), (4, ICMP), (6, UDP), (6, TCP), (6, ICMP6))
_HEADER = {4: 20, 6: 40}


class _Wire:
    """Packets of one kind that this process sends, handles and captures."""

    def __init__(self, queue: Queue, version: int, protocol: int) -> None:
        self._queue = queue
        self._raw = Raw(version)
        self._header = _HEADER[version]
        self.original = packet(version, protocol, random.randbytes(60))

    def frame(self) -> Frame:
        """Send a packet, and return its frame; what this host still has to say of others is dropped."""
        self._raw.send(self.original)
        frames = list(self._queue.wait(0))
        mine = [frame for frame in frames if frame.payload[self._header :] == self.original[self._header :]]
        same(len(mine), 1, "the packet's frame")
        for frame in frames:
            if frame != mine[0]:
                frame.drop()
        return mine[0]

    def sent(self) -> bytes:
        """Return what left after the answer; what this host replies is dropped."""
        self._queue.kick()
        deliver()
        first = self._raw.first()
        self._queue.wait(0).drop_all()
        self._queue.kick()
        list(self._raw.arrived())
        return first

    def change(self, payload: bytes, **asked: bool) -> bytes:
        """Accept a packet with other contents; return what left."""
        self.frame().accept(payload=payload, **asked)
        return self.sent()


@contextmanager
def _wires() -> Iterator[Iterator[tuple[int, int, _Wire]]]:
    """Go through the kinds of packets, in a namespace whose output is queued."""
    enter(chain("output", "queue num 0"))
    with Queue(RingOptions(0, frames=16, frame_size=2048, writable=True, timeout_ms=0)) as queue:
        yield ((version, protocol, _Wire(queue, version, protocol)) for version, protocol in KINDS)
        same(queue.stats().invalid_words, 0, "answers that were refused")


def _wrong(version: int, protocol: int, body: bytes) -> bytes:
    """Return a packet with wrong lengths and checksums, but the same addresses and protocol."""
    data = bytearray(packet(version, protocol, body))
    at = _HEADER[version]
    if version == 4:
        data[2:4] = (at + 9).to_bytes(2, "big")
        data[10:12] = b"\x12\x34"
    else:
        data[4:6] = (9).to_bytes(2, "big")
    checksum = at + {UDP: 6, TCP: 16, ICMP: 2, ICMP6: 2}[protocol]
    data[checksum : checksum + 2] = b"\x56\x78"
    if protocol == UDP:
        data[at + 4 : at + 6] = (77).to_bytes(2, "big")
    return bytes(data)


def _lengths_set(version: int, protocol: int, data: bytes) -> bytes:
    """Return it with the lengths that it has."""
    at, fixed = _HEADER[version], bytearray(data)
    if version == 4:
        fixed[2:4] = len(data).to_bytes(2, "big")
    else:
        fixed[4:6] = (len(data) - at).to_bytes(2, "big")
    if protocol == UDP:
        fixed[at + 4 : at + 6] = (len(data) - at).to_bytes(2, "big")
    return bytes(fixed)


def as_written() -> None:
    """Wrong lengths and checksums, surplus, odd lengths: not a byte is touched."""
    with _wires() as wires:
        for version, protocol, wire in wires:
            for length in (0, 1, 59, 60, 61, 700):
                wanted = _wrong(version, protocol, random.randbytes(length))
                same(wire.change(wanted), wanted, f"IPv{version}, protocol {protocol}, {length} bytes")


def lengths() -> None:
    """The lengths are set, and nothing else."""
    with _wires() as wires:
        for version, protocol, wire in wires:
            for length in (0, 1, 60, 700):
                written = _wrong(version, protocol, random.randbytes(length))
                wanted = _lengths_set(version, protocol, written)
                same(wire.change(written, lengths=True), wanted, f"IPv{version}, {protocol}, {length} bytes")


def checksums() -> None:
    """Checksums are right afterwards; lengths, which were right, are as written."""
    with _wires() as wires:
        for version, protocol, wire in wires:
            for length in (0, 1, 60, 700):
                body = random.randbytes(length)
                written = _lengths_set(version, protocol, _wrong(version, protocol, body))
                same(check(wire.change(written, checksums=True)), body, f"IPv{version}, {protocol}")


def both() -> None:
    """Whatever was written, the packet is right."""
    with _wires() as wires:
        for version, protocol, wire in wires:
            for length in (0, 1, 60, 700):
                body = random.randbytes(length)
                written = _wrong(version, protocol, body)
                same(check(wire.change(written, lengths=True, checksums=True)), body, f"IPv{version}")


def given_back() -> None:
    """The packet's own bytes leave as they came; nothing is refused."""
    with _wires() as wires:
        for version, protocol, wire in wires:
            frame = wire.frame()
            came = bytes(frame.payload)
            frame.accept(payload=came)
            same(wire.sent(), came, f"IPv{version}, protocol {protocol}")


def open_checksums() -> None:
    """With gso=True a local packet's checksum is open: given back it is completed, edited only on request."""
    for version in (4, 6):
        enter(chain("output", "udp dport 7000 queue num 0"))
        flow = Flow(version, filler=20)
        cases: tuple[tuple[bool, dict[str, Any], int], ...] = (
            (False, {}, 1),
            (True, {"checksums": True}, 1),
            (True, {}, 0),
        )
        with Queue(RingOptions(0, frames=16, writable=True, gso=True, timeout_ms=0)) as queue:
            for edit, asked, arrives in cases:
                (number,) = flow.send()
                (frame,) = queue.wait(0)
                holds(not frame.meta.checksum_ready, "an open checksum")
                if edit:
                    frame.payload[-1:] = b"!"
                frame.accept(payload=frame.payload if edit else bytes(frame.payload), **asked)
                queue.kick()
                deliver()
                filler = b"\0" * 19 + (b"!" if edit else b"\0")
                wanted = [struct.pack("!I", number) + filler] * arrives
                same(flow.contents(), wanted, f"IPv{version}, edited: {edit}, {asked}")
            same(queue.stats().invalid_words, 0, "answers that were refused")
        flow.close()
