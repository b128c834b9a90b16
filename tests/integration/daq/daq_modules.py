# SPDX-License-Identifier: MIT
"""libdaq and its modules for the target: Debian's daq_nfq, and daq_fastqueue."""

from __future__ import annotations

from pathlib import Path

from case_suite import Cases

from devkit.image.debian.unpack import unpacked
from devkit.image.native_programs import build_native
from devkit.target.qemu import Target

PROGRAMS = Path(__file__).parent / "programs"
#: Cases that both modules can pass, and those that only ours can.
COMPARED = Cases(PROGRAMS, ("instances", "acquiring"))
OWN = Cases(PROGRAMS, ("own",))
#: Debian's packages (i386): libdaq, and what it and daq_nfq need that the image lacks.
PACKAGES = ("libdaq2", "libdumbnet1", "libc6")
_LIBRARIES = ("libdaq.so.2", "libsfbpf.so.0", "libdumbnet.so.1")
_PLACE = "usr/lib/i386-linux-gnu"
#: Where an image has our module if it was built with libdaq: Debian's always, Buildroot's with its package.
INSTALLED = "/usr/lib/fastqueue/daq"
_OURS = "daq_fastqueue.so"


def daq_files() -> dict[str, Path]:
    """Return files to put into the target, by their names there: ``lib/`` and ``modules/``."""
    packages = unpacked("daq", PACKAGES)
    files = {f"lib/{name}": (packages / _PLACE / name).resolve() for name in _LIBRARIES}
    return {
        **files,
        "lib/libdl.so.2": packages / "lib/i386-linux-gnu/libdl.so.2",
        "modules/daq_nfq.so": packages / _PLACE / "daq/daq_nfq.so",
        f"modules/{_OURS}": build_native() / "root" / INSTALLED.removeprefix("/") / _OURS,
    }


def environment(target: Target, module: str, place: str) -> str:
    """Return the variables for a run with ``nfq`` or ``fastqueue``; the image's own module comes first."""
    ours = module == "fastqueue" and target.run(f"test -e {INSTALLED}/{_OURS}", check=False).status == 0
    folder = INSTALLED if ours else f"{place}/modules"
    return f"LD_LIBRARY_PATH={place}/lib DAQ_FOLDERS={folder} DAQ_MODULE={module}"
