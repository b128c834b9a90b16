# SPDX-License-Identifier: MIT
"""Flavours of the target's kernel: the default, other versions, and those that look for mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from devkit.host.errors import KitError
from devkit.host.paths import PROJECT

COMMON = PROJECT / "br2-external/board/common"
DEFAULT = "6.12"
#: Version of the greatest linux-source that Debian has in any suite.
NEWEST = "newest"


@dataclass(frozen=True)
class Flavour:
    """A kernel to build and the machine it needs.

    version:      of Debian's linux-source package, or ``newest``
    fragments:    files of board/common that come on top of linux.config, later lines win
    architecture: the kernel's ARCH, i386 or x86_64
    profile:      machine profile that it is booted with
    memory:       MB of that machine
    """

    name: str
    version: str = DEFAULT
    fragments: tuple[str, ...] = ()
    architecture: str = "i386"
    profile: str = "p3"
    memory: int = 64

    @property
    def files(self) -> tuple[Path, ...]:
        """Configuration files in the order in which they count."""
        return tuple(COMMON / f"{name}.config" for name in ("linux", *self.fragments))


#: Kernels that the module is to work with from one source; DESIGN's eighth point.
VERSIONS = (Flavour("6.1", "6.1", ("linux-6.1",)), Flavour(DEFAULT), Flavour(NEWEST, NEWEST))
#: Kernels that find what tests cannot see; KASAN and KCSAN exist on x86_64 only, and not together.
#: The KASAN kernel also has kcov, for `invoke fuzz`.
DEBUG = (
    Flavour("lockdep", fragments=("debug", "debug-i686"), profile="smp", memory=256),
    Flavour("kasan", DEFAULT, ("debug", "debug-x86_64", "kasan"), "x86_64", "smp64", 1024),
    Flavour("kcsan", DEFAULT, ("debug", "debug-x86_64", "kcsan"), "x86_64", "smp64", 512),
    Flavour("rt", fragments=("debug", "rt"), profile="smp", memory=256),
)
#: Counts which lines of the module run, for `invoke test --coverage`.
COVERAGE = Flavour("coverage", fragments=("debug", "coverage"), profile="smp", memory=256)
#: Flavours that exist to test the module: built on the Debian base, with fault injection, without boot media.
TESTING = (*DEBUG, COVERAGE)
_NAMED = {flavour.name: flavour for flavour in VERSIONS + TESTING}


def flavour(name: str) -> Flavour:
    """Flavour of that name, or of that version (``6.6``); KitError FQ-KERNEL says what there is."""
    if name in _NAMED:
        return _NAMED[name]
    if re.fullmatch(r"\d+\.\d+", name):
        return Flavour(name, name)
    names = ", ".join(_NAMED)
    what = f"there is no kernel {name!r}"
    raise KitError("FQ-KERNEL", what, f"one of {names}, or a version such as 6.12", status=2)
