# SPDX-License-Identifier: MIT
"""Rules of the target that choose which forwarded packets are queued."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devkit.target.qemu import Target

#: The kit's own table; other tables of the target are left alone.
TABLE = "inet fastqueue_lab"

#: For nft: the table goes, if it is there.
DELETE = f"add table {TABLE}; delete table {TABLE}"


def queue_all(queue: int = 0, *, bypass: bool = False) -> str:
    """Return the rule that queues whatever comes to it; ``bypass``: accept where there is no handler."""
    return f"queue num {queue}" + (" bypass" if bypass else "")


def script(rules: Sequence[str]) -> str:
    """Return what nft is to do: the table with ``rules`` on the forward hook, in place of an older one."""
    body = "; ".join(rules)
    chain = f"chain forward {{ type filter hook forward priority 0; policy accept; {body}; }}"
    return f"{DELETE}; table {TABLE} {{ {chain}; }}"


def install(target: Target, rules: Sequence[str]) -> None:
    """Replace the kit's rules, in one step."""
    target.run(["nft", script(rules)])


def flush(target: Target) -> None:
    """Take the kit's rules out; nothing where there are none."""
    target.run(["nft", DELETE])


@contextmanager
def rules_installed(target: Target, *rules: str) -> Iterator[None]:
    """Have these rules in force; none at the end."""
    install(target, rules)
    try:
        yield
    finally:
        flush(target)
