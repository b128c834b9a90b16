# SPDX-License-Identifier: MIT
"""The ways a packet can take through the target, to compare them in one boot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from devkit.target import kernel_modules, nftables
from devkit.target.background_process import Background
from devkit.target.qemu import Target


@dataclass(frozen=True)
class DataPath:
    """A queue module and the handler behind it; plain forwarding has neither.

    ``name`` is for files, ``label`` for people; ``handler`` is what answers the packets.
    """

    name: str
    label: str
    handler: str
    module: str | None = None
    argv: tuple[str, ...] = ()


PLAIN = DataPath("plain", "plain forwarding", "none")
NFQUEUE_C = DataPath(
    "nfqueue-c",
    "NFQUEUE, C",
    "libnetfilter_queue, accepts all",
    kernel_modules.NFQUEUE,
    ("nfqueue-baseline", "--gso"),
)
FASTQUEUE_PYTHON = DataPath(
    "fastqueue-python",
    "Fast Queue, Python",
    "python3 -m fastqueue run null",
    kernel_modules.FASTQUEUE,
    ("python3", "-m", "fastqueue", "run", "--gso", "null"),
)
FASTQUEUE_C = DataPath(
    "fastqueue-c", "Fast Queue, C", "fq-null", kernel_modules.FASTQUEUE, ("fq-null", "--gso")
)

#: In the order of a table: what is to be beaten comes before what beats it.
ALL = (PLAIN, NFQUEUE_C, FASTQUEUE_PYTHON, FASTQUEUE_C)


@contextmanager
def active(target: Target, path: DataPath) -> Iterator[Background | None]:
    """Have forwarded packets take ``path``: its module, its handler, and a rule to queue 0 for all.

    Nothing of it remains at the end, so that the next path can be laid in the same boot. KitError
    FQ-MODULE or FQ-HANDLER where a part of it fails.
    """
    with ExitStack() as stack:
        stack.enter_context(kernel_modules.loaded_during(target, path.module))
        if not path.argv:
            yield None
            return
        handler = stack.enter_context(Background(target, path.argv))
        handler.wait_ready()
        stack.enter_context(nftables.rules_installed(target, nftables.queue_all()))
        yield handler
