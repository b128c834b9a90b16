# SPDX-License-Identifier: MIT
"""Look at each packet of queue 0: drop UDP, accept the rest."""

from contextlib import suppress

from fastqueue import Queue

UDP = 17

with suppress(KeyboardInterrupt), Queue(0) as queue:
    for frame in queue:  # sleeps while there is nothing
        packet = frame.payload  # from the IP header on, in place: copy what you keep
        if len(packet) >= 20 and packet[0] >> 4 == 4 and packet[9] == UDP:
            frame.drop()
        else:
            frame.accept()
