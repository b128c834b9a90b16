# SPDX-License-Identifier: MIT
"""Kernel modules of the target: Fast Queue and its baseline exclude each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from devkit.host.errors import KitError
from devkit.host.run_command import last_lines
from devkit.target.qemu import Target

FASTQUEUE = "fastqueue"
NFQUEUE = "nfnetlink_queue"


def loaded(target: Target) -> set[str]:
    """Return the names of all modules that are in."""
    lines = target.run(["cat", "/proc/modules"]).output.splitlines()
    return {line.split()[0] for line in lines if line.strip()}


def load(target: Target, name: str, *parameters: str) -> None:
    """Put a module in, if it is not; KitError FQ-MODULE says what the kernel said."""
    if name not in loaded(target):
        _change(target, ["modprobe", name, *parameters], f"the module {name} cannot be loaded")


def unload(target: Target, name: str) -> None:
    """Take a module out, if it is in; KitError FQ-MODULE where something uses it."""
    if name in loaded(target):
        _change(target, ["rmmod", name], f"the module {name} cannot be taken out")


def load_only(target: Target, name: str | None) -> None:
    """Leave of the two queue modules ``name`` loaded, or neither."""
    for other in {FASTQUEUE, NFQUEUE} - {name}:
        unload(target, other)
    if name is not None:
        load(target, name)


@contextmanager
def loaded_during(target: Target, name: str | None) -> Iterator[None]:
    """Have ``name`` loaded and the other not, and neither at the end."""
    load_only(target, name)
    try:
        yield
    finally:
        load_only(target, None)


def _change(target: Target, argv: list[str], what: str) -> None:
    mark = target.log.mark()
    done = target.run(argv, check=False)
    if done.status:
        said = last_lines(done.raw, 10) + last_lines(target.log.text(mark), 10)
        remedy = "end its handlers (./inv run -- cat /proc/net/fastqueue), take the other queue module out"
        raise KitError("FQ-MODULE", what, remedy, lines=said[-10:])
