# SPDX-License-Identifier: MIT
"""In-line packet processing over Fast Queue's shared ring.

    from fastqueue import Queue

    with Queue(0) as queue:
        for frame in queue:
            if frame.payload[9] == 17:
                frame.drop()
            else:
                frame.accept()

A whole batch at a time is much cheaper: ``for batch in queue.batches(): batch.accept_all()``.
"""

from . import backend as _implementation
from .batch import Batch
from .errors import FastQueueError, QueueClosedError, QueueError
from .frame import Frame
from .meta import Meta
from .options import RingOptions
from .queue import Queue
from .stats import Stats

__version__ = "0.2.0"
#: "C extension" or "plain Python": what does the loops over packets; see ``fastqueue.backend``.
IMPLEMENTATION: str

__all__ = [
    "IMPLEMENTATION",
    "Batch",
    "FastQueueError",
    "Frame",
    "Meta",
    "Queue",
    "QueueClosedError",
    "QueueError",
    "RingOptions",
    "Stats",
]


def __getattr__(name: str) -> str:
    """Return ``IMPLEMENTATION``. Raises ImportError if the environment asks for one that is not there."""
    if name != "IMPLEMENTATION":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _implementation.current.name
