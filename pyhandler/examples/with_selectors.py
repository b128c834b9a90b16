# SPDX-License-Identifier: MIT
"""Two queues, and whatever else has a descriptor, in one loop."""

import selectors
from contextlib import suppress

from fastqueue import Queue

with suppress(KeyboardInterrupt), Queue(0) as web, Queue(1) as rest, selectors.DefaultSelector() as selector:
    for queue in (web, rest):
        selector.register(queue, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            ready = web if key.fileobj is web else rest
            ready.wait(0).accept_all()  # takes what is there, never sleeps
            ready.kick()  # we sleep elsewhere, so say that there are answers
