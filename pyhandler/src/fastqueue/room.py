# SPDX-License-Identifier: MIT
"""How much of a packet rules have to see, and the ring that shows it to them."""

from __future__ import annotations

from typing import NamedTuple

from . import abi
from .options import RingOptions

#: Bytes in front of the contents for which there is always room: all options of IPv4 and TCP are 120 bytes;
#: extension headers of IPv6 may be longer (see Payload).
HEADERS = 128
#: Bytes in which ports are found: all options of IPv4, and the first bytes of the transport header.
PORTS = 64
#: Bytes of frames that a ring takes which was made larger for rules.
_MOST_MEMORY = 8 << 20


class Room(NamedTuple):
    """Bytes of a packet that the user's options leave, and how to get more; for messages."""

    size: int
    option: str

    def contents(self) -> int:
        """Return how many bytes of contents are certain to be seen."""
        return abi.MAX_FRAME_SIZE if self.size >= abi.MAX_FRAME_SIZE else self.size - HEADERS


EVERYTHING = Room(abi.MAX_FRAME_SIZE, "")


def packet_bytes(contents: int) -> int:
    """Return how many bytes of a packet show the first ``contents`` bytes of what is behind its headers."""
    return min(contents + HEADERS, abi.MAX_FRAME_SIZE)


def frame_size(packet: int) -> int:
    """Return the smallest frame size that takes so many bytes: a multiple of 64."""
    return max(abi.MIN_FRAME_SIZE, -(-packet // 64) * 64)


def room(size: int | None, copy_range: int | None) -> Room:
    """Return what a user's frame size and copy range leave, each None if the user did not name it."""
    named = [
        Room(value, option)
        for value, option in ((size, "--frame-size"), (copy_range or None, "--copy-range"))
        if value is not None
    ]
    return min(named, default=EVERYTHING)


def fit(request: RingOptions, packet: int, *, size: bool, frames: bool) -> RingOptions:
    """Return a ring whose frames take ``packet`` bytes.

    ``size``, ``frames``: whether that may be changed. A ring with larger frames has fewer, for memory's sake.
    """
    needed = frame_size(packet)
    if not size or needed <= request.frame_size:
        return request
    number = request.frames
    while frames and number > abi.MIN_FRAMES and number * needed > _MOST_MEMORY:
        number //= 2
    return request._replace(frame_size=needed, frames=number)
