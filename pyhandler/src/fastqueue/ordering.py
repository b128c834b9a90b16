# SPDX-License-Identifier: MIT
"""Memory ordering: on which machines plain Python may share a ring with the kernel."""

from __future__ import annotations

import os
from typing import Final

from .errors import QueueError

#: Machines by uname's names that keep loads in order among loads and stores among stores (total store
#: order): x86, and IBM Z.
STRONGLY_ORDERED: Final = frozenset(("x86_64", "i386", "i486", "i586", "i686", "s390", "s390x"))


def check_plain() -> None:
    """Raise QueueError unless plain Python may share a ring here; see ``ring``."""
    machine = os.uname().machine
    if machine not in STRONGLY_ORDERED:
        raise QueueError(
            f"plain Python cannot share a ring on {machine}, which reorders memory accesses",
            "install fastqueue with its C extension: pip builds it if there is a C compiler",
        )


def check_extension() -> None:
    """Do nothing: the extension's loads and stores are ordered on every machine."""
