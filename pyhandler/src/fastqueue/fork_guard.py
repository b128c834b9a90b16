# SPDX-License-Identifier: MIT
"""What a child of ``fork()`` has of its parent's queues: the descriptor, and not one mapping.

The child's ``mmap`` objects are copies that still name the parent's addresses, where the child has
nothing, or something else by now: the last reference to go, or ``close()``, would unmap that. So in the
child the views are released, which makes a use of them an exception, and the objects live for ever.
"""

from __future__ import annotations

import os
from mmap import mmap
from typing import Protocol
from weakref import WeakSet


class Owner(Protocol):
    """What has mappings of its own."""

    def abandon(self) -> list[mmap]:
        """Release all views, forget the mappings and return them."""


_owners: WeakSet[Owner] = WeakSet()


def watch(owner: Owner) -> None:
    """Have ``owner`` lose its mappings in every child that is made from now on."""
    _owners.add(owner)


def _in_child() -> None:
    areas = [area for owner in list(_owners) for area in owner.abandon()]
    _owners.clear()
    if areas:
        _keep_for_ever(areas)


def _keep_for_ever(areas: list[mmap]) -> None:
    """Count a reference that nobody has: not even the interpreter's end finalizes them."""
    import ctypes  # only here: every module costs a slow machine time to start

    for area in areas:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(area))


os.register_at_fork(after_in_child=_in_child)
