# SPDX-License-Identifier: MIT
"""Flows that Suricata has cleared pass the queue by: it marks them, and the rules remember the mark.

Suricata sets the mark with the verdict of the packet that clears a flow; behind the queue connection
tracking keeps it, and further packets of the flow are accepted before they are queued.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from devkit.target.qemu import Target

MARK = 1
#: Settings of Suricata: what it marks such packets with.
OPTIONS = (f"nfq.bypass-mark={MARK}", f"nfq.bypass-mask={MARK}")
#: When it does: bulk, of which so much has been looked at (bytes of the client).
CLEARED = 500_000
RULE = (
    'pass tcp any any -> any any (msg:"Bulk that has been looked at"; flow:established; '
    f"stream_size:client,>,{CLEARED}; bypass; sid:2000001; rev:1;)"
)
#: Before the rule that queues.
FORWARD = f"ct mark & {MARK} == {MARK} accept"

_TABLE = "inet fastqueue_bypass"
_DELETE = f"add table {_TABLE}; delete table {_TABLE}"
_CHAIN = (
    "chain behind { type filter hook postrouting priority 0; "
    f"meta mark & {MARK} == {MARK} ct mark set {MARK}; }};"
)


@contextmanager
def rules_installed(target: Target) -> Iterator[None]:
    """Have the mark of cleared flows kept behind the queue; FORWARD is for the chain before it."""
    target.run(["nft", f"{_DELETE}; table {_TABLE} {{ {_CHAIN} }}"])
    try:
        yield
    finally:
        target.run(["nft", _DELETE])
