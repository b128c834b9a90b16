# SPDX-License-Identifier: MIT
"""CPU classes: which instructions a board's processor has, and which an image needs."""

from __future__ import annotations

from devkit.host.errors import KitError

#: Class that an image is made for, by the architecture of its kernel; the user land is never for more.
IMAGE_CLASSES = {"i386": "pentium3", "x86_64": "x86-64"}

#: Instruction sets of each class beyond the i386, in the words of /proc/cpuinfo. They decide what can run
#: where, not how new a processor is: the Geodes are younger than the Pentium III and still lack SSE.
CLASSES: dict[str, frozenset[str]] = {
    "i586": frozenset({"tsc", "cx8"}),
    "geode-gx1": frozenset({"tsc", "cx8", "mmx", "cmov"}),
    "geode-lx": frozenset({"tsc", "cx8", "mmx", "cmov", "3dnow"}),
    "i686": frozenset({"tsc", "cx8", "cmov"}),
    "pentium2": frozenset({"tsc", "cx8", "cmov", "mmx", "fxsr"}),
    "pentium3": frozenset({"tsc", "cx8", "cmov", "mmx", "fxsr", "sse"}),
    "pentium4": frozenset({"tsc", "cx8", "cmov", "mmx", "fxsr", "sse", "sse2"}),
    "x86-64": frozenset({"tsc", "cx8", "cmov", "mmx", "fxsr", "sse", "sse2", "lm"}),
}


def features(name: str) -> frozenset[str]:
    """Return the instruction sets of a class; KitError FQ-CPU for an unknown one."""
    if name not in CLASSES:
        raise KitError("FQ-CPU", f"there is no CPU class {name!r}", f"one of: {', '.join(CLASSES)}")
    return CLASSES[name]


def lacking(has: str, needs: str) -> list[str]:
    """Return what a CPU of class ``has`` lacks to run an image for ``needs``, sorted; FQ-CPU as above."""
    return sorted(features(needs) - features(has))
