# SPDX-License-Identifier: MIT
"""What is measured: the ways a packet takes through the target. Data, in the order of the tables."""

from __future__ import annotations

from dataclasses import dataclass

from devkit import modules

#: Where a program of the kit's own lies in the target during the measurements.
NFQUEUE_PYTHON_PROGRAM = "/tmp/nfqueue_null.py"


@dataclass(frozen=True)
class Row:
    """A way through the target: queue module, program that answers, and its words.

    ``name`` is for files, ``label`` for people. The program is called with ``command``, options,
    ``handler``. ``slower``: its bursts come so many times more rarely, as it could not carry the load;
    ``timer_us``: packets leave in periods of this length.
    """

    name: str
    label: str
    module: str | None = None
    command: tuple[str, ...] = ()
    handler: tuple[str, ...] = ()
    slower: int = 1
    timer_us: int = 0

    @property
    def is_fastqueue(self) -> bool:
        """Whether the packets go through a ring, whose options the program knows."""
        return self.module == modules.FASTQUEUE


_RUN = ("python3", "-m", "fastqueue", "run")
_PYTHON = ("env", "FASTQUEUE_IMPLEMENTATION=python", *_RUN)
_EXTENSION = ("env", "FASTQUEUE_IMPLEMENTATION=c", *_RUN)

PLAIN = Row("plain", "plain forwarding")
NFQUEUE_C = Row("nfqueue-c", "NFQUEUE, C", modules.NFQUEUE, ("nfqueue-baseline",))
NFQUEUE_PYTHON = Row(
    "nfqueue-python", "NFQUEUE, Python", modules.NFQUEUE, ("python3", NFQUEUE_PYTHON_PROGRAM), slower=3
)
TIMER_ONLY = Row(
    "fastqueue-timer-c",
    "Fast Queue, C, timer only",
    modules.FASTQUEUE,
    ("fq-null", "--timer-only"),
    timer_us=1000,
)
FASTQUEUE_C = Row("fastqueue-c", "Fast Queue, C", modules.FASTQUEUE, ("fq-null",))
PYTHON_SINGLE = Row(
    "fastqueue-python-single",
    "Fast Queue, Python, one by one",
    modules.FASTQUEUE,
    (*_PYTHON, "--one-by-one"),
    ("null",),
)
PYTHON_BATCH = Row(
    "fastqueue-python-batch", "Fast Queue, Python, batches", modules.FASTQUEUE, _PYTHON, ("null",)
)
EXTENSION_SINGLE = Row(
    "fastqueue-extension-single",
    "Fast Queue, Python with extension, one by one",
    modules.FASTQUEUE,
    (*_EXTENSION, "--one-by-one"),
    ("null",),
)
EXTENSION_BATCH = Row(
    "fastqueue-extension-batch",
    "Fast Queue, Python with extension, batches",
    modules.FASTQUEUE,
    _EXTENSION,
    ("null",),
)

ALL = (
    PLAIN,
    NFQUEUE_C,
    NFQUEUE_PYTHON,
    TIMER_ONLY,
    FASTQUEUE_C,
    PYTHON_SINGLE,
    PYTHON_BATCH,
    EXTENSION_SINGLE,
    EXTENSION_BATCH,
)
BY_NAME = {row.name: row for row in ALL}


@dataclass(frozen=True)
class Setting:
    """A row with the options of its program, on ``queues`` queues with a handler each."""

    row: Row
    options: tuple[str, ...] = ()
    queues: int = 1

    def argv(self, queue: int) -> tuple[str, ...]:
        """Return the words of the handler of one queue; none where there is no handler."""
        if not self.row.command:
            return ()
        number = ("--queue", str(queue)) if queue else ()
        return (*self.row.command, *self.options, *number, *self.row.handler)
