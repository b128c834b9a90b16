# SPDX-License-Identifier: MIT
"""Handler of queue 0 that sets the TTL of TCP packets: ``set_ttl.py PATH``, until SIGTERM.

It says "ready", and at its end the lengths of packets that it saw, with their own by the IP header.
"""

import signal
import sys
import time

import wire_format as wire
from handlers import open_handler

_TTL = 65
_IDLE = 0.002  # s


def main(path: str) -> None:
    """Handle packets."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: ended.append(number))
    handler = open_handler(path)
    lengths = set()
    print("ready", flush=True)
    while not ended:
        waiting = handler.packets()
        for key, data in waiting:
            changed = bytearray(data)
            changed[8] = _TTL
            wire.repair_checksums(changed)
            handler.answer(key, bytes(changed))
            lengths.add((len(data), int.from_bytes(data[2:4], "big")))
        if waiting:
            handler.settle()
        else:
            time.sleep(_IDLE)
    handler.close()
    print("lengths", *(f"{there}:{said}" for there, said in sorted(lengths)))


if __name__ == "__main__":
    main(*sys.argv[1:])
