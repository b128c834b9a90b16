# SPDX-License-Identifier: MIT
"""What is measured: the ways a packet takes through the target. Data, in the order of the tables."""

from __future__ import annotations

from dataclasses import dataclass

from devkit.target import kernel_modules

#: Where programs of the kit's own lie in the target during the measurements.
TARGET_FOLDER = "/tmp/bench"
#: Rings of the size that whole GSO packets need.
_LARGE_FRAMES = ("--gso", "--frames", "256", "--frame-size", "65536")


@dataclass(frozen=True)
class Row:
    """A way through the target: queue module, program that answers, and its words.

    ``name`` is for files, ``label`` for people. The program is called with ``command``, options,
    ``handler``. ``slower``: its bursts come so many times more rarely, as it could not carry the load;
    ``timer_us``: packets leave in periods of this length; ``gso``: options to take GSO packets whole,
    None where it cannot; ``copies_less``: it knows ``--copy-range``.
    """

    name: str
    label: str
    module: str | None = None
    command: tuple[str, ...] = ()
    handler: tuple[str, ...] = ()
    slower: int = 1
    timer_us: int = 0
    gso: tuple[str, ...] | None = ()
    copies_less: bool = True


_RUN = ("python3", "-m", "fastqueue", "run")
_PYTHON = ("env", "FASTQUEUE_IMPLEMENTATION=python", *_RUN)
_EXTENSION = ("env", "FASTQUEUE_IMPLEMENTATION=c", *_RUN)

PLAIN = Row("plain", "plain forwarding")
NFQUEUE_C = Row("nfqueue-c", "NFQUEUE, C", kernel_modules.NFQUEUE, ("nfqueue-baseline",), gso=("--gso",))
NFQUEUE_PYTHON = Row(
    "nfqueue-python",
    "NFQUEUE, Python, netlink by hand",
    kernel_modules.NFQUEUE,
    ("python3", f"{TARGET_FOLDER}/nfqueue_null.py"),
    slower=3,
    gso=("--gso",),
)
#: The package asks for no GSO packets and reads 4,096 bytes at a time: it gets segments.
NETFILTERQUEUE = Row(
    "netfilterqueue",
    "NFQUEUE, Python, NetfilterQueue",
    kernel_modules.NFQUEUE,
    ("python3", f"{TARGET_FOLDER}/netfilterqueue_null.py"),
    slower=3,
    gso=None,
)
TIMER_ONLY = Row(
    "fastqueue-timer-c",
    "Fast Queue, C, timer only",
    kernel_modules.FASTQUEUE,
    ("fq-null", "--timer-only"),
    timer_us=1000,
    gso=_LARGE_FRAMES,
)
FASTQUEUE_C = Row("fastqueue-c", "Fast Queue, C", kernel_modules.FASTQUEUE, ("fq-null",), gso=_LARGE_FRAMES)
#: Plain Python, and ("Python + C") with the C extension that the image has.
PYTHON_SINGLE = Row(
    "fastqueue-python-single",
    "Fast Queue, Python, one by one",
    kernel_modules.FASTQUEUE,
    (*_PYTHON, "--one-by-one"),
    ("null",),
    gso=_LARGE_FRAMES,
)
PYTHON_BATCH = Row(
    "fastqueue-python-batch",
    "Fast Queue, Python, batches",
    kernel_modules.FASTQUEUE,
    _PYTHON,
    ("null",),
    gso=_LARGE_FRAMES,
)
EXTENSION_SINGLE = Row(
    "fastqueue-extension-single",
    "Fast Queue, Python + C, one by one",
    kernel_modules.FASTQUEUE,
    (*_EXTENSION, "--one-by-one"),
    ("null",),
    gso=_LARGE_FRAMES,
)
EXTENSION_BATCH = Row(
    "fastqueue-extension-batch",
    "Fast Queue, Python + C, batches",
    kernel_modules.FASTQUEUE,
    _EXTENSION,
    ("null",),
    gso=_LARGE_FRAMES,
)

ALL = (
    PLAIN,
    NFQUEUE_C,
    NFQUEUE_PYTHON,
    NETFILTERQUEUE,
    TIMER_ONLY,
    FASTQUEUE_C,
    PYTHON_SINGLE,
    PYTHON_BATCH,
    EXTENSION_SINGLE,
    EXTENSION_BATCH,
)
BY_NAME = {row.name: row for row in ALL}


@dataclass(frozen=True)
class PathSetting:
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
