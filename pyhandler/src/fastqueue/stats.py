# SPDX-License-Identifier: MIT
"""Counters of one queue, as the kernel keeps them."""

from __future__ import annotations

from typing import NamedTuple

from . import abi


class Stats(NamedTuple):
    """``struct fastqueue_stats``, in packets unless said otherwise.

    At all times queued = accepted + dropped + flushed + occupied.
    """

    received: int  # handed to the queue by netfilter
    queued: int  # of them put into a frame
    accepted: int  # settled by the handler, repeat and queue too
    dropped: int  # settled by the handler
    flushed: int  # settled without it: closed, gone, timed out
    occupied: int  # in the ring now
    default_accepted: int  # never in a frame: ring full, no memory, over the memory limit
    default_dropped: int
    timed_out: int  # of flushed
    invalid_words: int  # answers refused
    wakeups: int  # of the handler
    ticks: int  # of the sender's timer
    truncated: int
    segmented: int  # GSO packets taken apart
    refused: int  # of dropped: changed packets that the stack cannot accept
    over_memory: int  # of default_*: the limit on the memory of waiting packets

    @classmethod
    def unpack(cls, data: bytes | bytearray) -> Stats:
        """Read what IOC_STATS filled in."""
        return cls(*abi.STATS.unpack(data))
