# SPDX-License-Identifier: MIT
"""fnfqueue of PyPI for the target: a program that speaks netlink by itself, from a thread of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.paths import LOGS
from devkit.host.progress import stage
from devkit.image import cross_compiler, native_programs, pypi
from devkit.image.debian.unpack import unpacked
from devkit.image.python_extension import HEADERS

SOURCE = "fnfqueue==1.1.2 --hash=sha256:e4aa1843058fc6b4e3e7537d980f01163d4605f9e4a829f23098e5c6979b61a8"
#: What writes its module's C code: of the version whose run time Debian has.
TOOLS = (
    "cffi==1.15.1 --hash=sha256:94411f22c3985acaec6f83c6df553f2dbe17b698cc7f8ae751ff2237d96b9e3c",
    "pycparser==2.21 --hash=sha256:8ee45429555515e1f6b185e78100aea234072576aa43ab53aefcae078162fca9",
)
_BACKEND = "_cffi_backend.cpython-311-i386-linux-gnu.so"
_WRITE = (
    "import runpy; made = runpy.run_path('build_fnfqueue.py'); made['ffibuilder'].emit_c_code('_fnfqueue.c')"
)
_RECIPE = "1"


def fnfqueue() -> dict[str, Path]:
    """Return files to put into the target by their names there: the package, and cffi's run time."""
    libraries = native_programs.sysroot()
    backend = unpacked("cffi", ["python3-cffi-backend"])
    versions = (libraries / "packages.json").read_text()
    key = cache.digest(_RECIPE, SOURCE, *TOOLS, native_programs.CFLAGS, versions)
    made = cache.entry("fnfqueue", key, lambda work: _make(work, libraries))
    return {
        "fnfqueue": made / "package",
        _BACKEND: backend / "usr/lib/python3/dist-packages" / _BACKEND,
    }


def _make(work: Path, libraries: Path) -> None:
    log = LOGS / "fnfqueue.log"
    with stage("fnfqueue: fetch and build for the target", log):
        sources = pypi.sources(work, SOURCE)
        for tool in TOOLS:
            pypi.tool(work, work / "tools", tool, log)
        environment = {**os.environ, "PYTHONPATH": str(work / "tools")}
        run_command.run([sys.executable, "-c", _WRITE], cwd=sources, log=log, env=environment)
        package = work / "package"
        (sources / "fnfqueue").rename(package)
        written = [sources / "_fnfqueue.c", sources / "src/fnfqueue.c"]
        words = ["-shared", "-fPIC", f"-I{libraries / HEADERS}", f"-I{sources / 'include'}"]
        cross_compiler.link(
            package / "_fnfqueue.cpython-311-i386-linux-gnu.so", written, libraries, words, log
        )
    for name in ("fnfqueue-source", "tools"):
        cache.remove_tree(work / name)
