# SPDX-License-Identifier: MIT
"""What is measured. Data, in the order of the tables."""

from __future__ import annotations

from dataclasses import dataclass

#: Of the largest ring, which one unprivileged user's part of the memory suffices for.
MOST_FRAMES = 65536


@dataclass(frozen=True)
class QueueLoad:
    """What an unprivileged user does with queues whose timer has the shortest period.

    name:    of its result
    act:     of the target's program, see devkit/bench/guest/fairness/share.py
    queues:  that share ``frames`` frames
    packets: in each of them; 0: as many as there are frames
    """

    name: str
    label: str
    act: str = "rest"
    queues: int = 1
    frames: int = MOST_FRAMES
    packets: int = 0
    quick: bool = True

    @property
    def key(self) -> str:
        """Name of its result."""
        return f"fairness/share/{self.name}"

    def words(self, milliseconds: int) -> list[str]:
        """Return the arguments of the target's program."""
        numbers = (self.queues, self.frames // self.queues, self.packets, milliseconds)
        return [self.act, *map(str, numbers)]


LOADS = (
    QueueLoad("unanswered", "nothing answered"),
    QueueLoad("one-answer", "one frame answered per tick", "one"),
    QueueLoad("twenty-answers", "twenty frames answered per tick", "twenty"),
    QueueLoad("invalid", "every word invalid", "nonsense"),
    QueueLoad("changed", "all answered at once, 60 KB each, changed", "changed", frames=128),
    QueueLoad("set", "FASTQUEUE_IOC_SET 100 times per second", "set"),
    QueueLoad("queues-4", "4 queues, nothing answered", queues=4, quick=False),
    QueueLoad("queues-16", "16 queues, nothing answered", queues=16),
    QueueLoad("queues-16-set", "16 queues, FASTQUEUE_IOC_SET", "set", queues=16, quick=False),
    QueueLoad("one-packet", "one packet in a ring of 8", frames=8, packets=1),
    QueueLoad(
        "one-packet-16", "16 queues, one packet in each", queues=16, frames=16 * 8, packets=1, quick=False
    ),
)

#: Cases of devkit/bench/guest/fairness/pauses.py by its names; the first has no queue at work.
PAUSES = {
    "nothing": "no queue at work",
    "resize": "ring resized, all packets moved",
    "device down": "`ip link set down` of the packets' device",
    "table deleted": "deletion of the nft table",
    "all answered": "all frames answered at once",
    "all changed": "128 frames of 60 KB changed and answered at once",
    "all changed, timer": "the same, sent by the timer",
    "close, drop": "queue closed, packets dropped",
    "close, accept": "queue closed, packets accepted",
}


def loads(quick: bool) -> list[QueueLoad]:
    """Return the loads of a run."""
    return [load for load in LOADS if load.quick or not quick]


def pause_key(name: str) -> str:
    """Return the name of the result of a case of PAUSES."""
    return "fairness/pause/" + name.replace(", ", "-").replace(" ", "-")
