# SPDX-License-Identifier: MIT
"""Addresses to functions: the kernel's, those of its modules, and user space as a whole."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping

#: Kernel addresses of a 32-bit PC begin here (CONFIG_PAGE_OFFSET).
KERNEL_BEGIN = 0xC0000000
USER = "user space"

_CODE = frozenset("tTwW")
#: What the compiler adds to the name of a function that it made a part or a variant of.
_VARIANT = re.compile(r"\.(?:isra|constprop|part|cold|llvm)(?:\.\d+)?")


class Symbols:
    """Functions by address, from System.map and from the lines of modules in /proc/kallsyms."""

    def __init__(self, lines: Iterable[str]) -> None:
        found = sorted(entry for entry in map(_entry, lines) if entry)
        self._addresses = [address for address, _ in found]
        self._names = [name for _, name in found]

    def name(self, address: int) -> str:
        """Return the function that ``address`` is in; a module's has the module in brackets."""
        if address < KERNEL_BEGIN:
            return USER
        index = bisect_right(self._addresses, address) - 1
        return self._names[index] if index >= 0 else f"{address:x}"


def _entry(line: str) -> tuple[int, str] | None:
    words = line.split()
    if len(words) < 3 or words[1] not in _CODE:
        return None
    name = _VARIANT.sub("", words[2])
    return int(words[0], 16), f"{name} {words[3]}" if len(words) > 3 else name


def totals(counts: Mapping[int, int], symbols: Symbols) -> dict[str, int]:
    """Sum counts by address: name of each function to executed instructions."""
    found: dict[str, int] = {}
    for address, count in counts.items():
        name = symbols.name(address)
        found[name] = found.get(name, 0) + count
    return found
