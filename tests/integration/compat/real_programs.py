# SPDX-License-Identifier: MIT
"""Programs that were made for NFQUEUE, fetched or built for the target; none of them is in the image."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from case_suite import Cases
from fnfqueue_package import fnfqueue

from devkit.bench.paths import netfilterqueue_package
from devkit.host import cache
from devkit.host.paths import LOGS
from devkit.host.progress import stage
from devkit.image import cross_compiler, native_programs
from devkit.image.debian.unpack import unpacked

SOURCES = Path(__file__).parent / "programs/real"
#: Their cases; of those in Python the case itself is the program.
REAL = (
    Cases(SOURCES, ("netfilterqueue_cases", "fnfqueue_cases")),
    Cases(SOURCES, ("dhcp_cases", "example_cases", "builder_cases"), inside=False),
)
#: Debian's packages (i386) that have them: programs, and the library's own example in source.
PACKAGES = ("dhcpoptinj", "libnetfilter-queue-dev")
_EXAMPLE = "usr/share/doc/libnetfilter-queue-dev/examples/nf-queue.c"
_RECIPE = "1"


def real_programs() -> dict[str, Path]:
    """Return files and folders to put into the target, by their names there."""
    packages, libraries = unpacked("nfqueue-programs", PACKAGES), native_programs.sysroot()
    versions = [(entry / "packages.json").read_text() for entry in (packages, libraries)]
    builder, static = SOURCES / "builder.c", SOURCES / "static.c"

    def make(work: Path) -> None:
        log = LOGS / "nfqueue-programs.log"
        with stage("programs made for NFQUEUE: build for the target", log):
            words = ["-lnetfilter_queue", "-lmnl"]
            for name, source in (("nf-queue", packages / _EXAMPLE), ("builder", builder)):
                cross_compiler.link(work / name, [source], libraries, words, log)
            cross_compiler.link(work / "static", [static], libraries, ["-static"], log)
        shutil.copy2(packages / "usr/sbin/dhcpoptinj", work)
        found = {**json.loads(versions[0]), **json.loads(versions[1])}
        (work / "versions.json").write_text(json.dumps(found) + "\n")

    key = cache.digest(_RECIPE, native_programs.CFLAGS, *versions, cache.digest_tree(builder, static))
    built = cache.entry("nfqueue-programs-built", key, make)
    programs = {name: built / name for name in ("dhcpoptinj", "nf-queue", "builder", "static")}
    return {**programs, **fnfqueue(), "netfilterqueue": netfilterqueue_package.package()}
