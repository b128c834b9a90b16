# SPDX-License-Identifier: MIT
"""Answer all packets of queue 0 that wait, at once: the cheapest way."""

from contextlib import suppress

from fastqueue import Queue, RingOptions

# Packets that find no room, and those without an answer when this program ends, go on too.
request = RingOptions(queue=0, frames=2048, default_action="accept")

with suppress(KeyboardInterrupt), Queue(request) as queue:
    for batch in queue.batches():
        batch.accept_all()
        # by contents, without making a frame of each:
        # batch.decide(lambda packet: abi.ANSWER_DROP if len(packet) > 1000 else abi.ANSWER_ACCEPT)
