# SPDX-License-Identifier: MIT
"""The PyPI package NetfilterQueue, cross-built for the target: a baseline of NFQUEUE in Python.

It is put into the target for its row only, not into the image: about 110 KB. Its release carries C code that
Cython 0.29.26 wrote, which CPython 3.11 does not compile; the last Cython of that series writes it anew.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import LOGS, OUT
from devkit.host.progress import stage
from devkit.image import cross_compiler, native_programs, pypi
from devkit.image.image import Image
from devkit.image.python_extension import HEADERS

SOURCE = (
    "NetfilterQueue==1.1.0 --hash=sha256:e30eff999325617f54bd95b3d8d3353214cc77b5e3188f90ec3a6f6288888d72"
)
CYTHON = "Cython==0.29.37 --hash=sha256:95f1d6a83ef2729e67b3fa7318c829ce5b07ac64c084cd6af11c228e0364662c"
#: For a CPython that is newer than that one, as Buildroot's image has it.
NEWER_CYTHON = "Cython==3.1.6 --hash=sha256:f32366c198ac663a540ff4fa6ed55801d113183616c51100f4cc533568d2c4cf"
#: Part of the key: raise it when this module makes something else of the same sources.
_RECIPE = "1"
_OLDEST = "python3.11"


def package() -> Path:
    """Folder of the package's files for the target, from the cache where it was built before.

    It has the library for Debian's CPython, and for that of an image of the other base that is here.
    KitError FQ-COMMAND where it cannot be fetched or does not build, FQ-TOOL.
    """
    libraries = native_programs.sysroot()
    headers = [libraries / HEADERS, *_other_pythons()]
    versions = (libraries / "packages.json").read_text()
    patches = [(folder / "patchlevel.h").read_text() for folder in headers]
    key = cache.digest(_RECIPE, SOURCE, CYTHON, NEWER_CYTHON, native_programs.CFLAGS, versions, *patches)
    made = cache.entry("netfilterqueue", key, lambda work: _make(work, libraries, headers))
    return made / "package"


def _other_pythons() -> list[Path]:
    """Folders of CPython's headers that come with images of the Buildroot base: ``python3.13``."""
    found: dict[str, Path] = {}
    for name in ("image", "image-buildroot"):
        with contextlib.suppress(KitError):  # of another cache: not an image that can be measured
            folder = Image(OUT / name).python_headers
            found |= {folder.name: folder} if folder else {}
    return sorted(found.values())


def _make(work: Path, libraries: Path, headers: list[Path]) -> None:
    log = LOGS / "netfilterqueue.log"
    with stage("NetfilterQueue: fetch and build for the target", log):
        sources = pypi.sources(work, SOURCE) / "netfilterqueue"
        made = work / "package"
        made.mkdir()
        for folder in headers:
            written = _translated(work, sources, CYTHON if folder.name == _OLDEST else NEWER_CYTHON, log)
            words = ["-shared", "-fPIC", f"-I{folder}", "-lnetfilter_queue"]
            cross_compiler.link(made / _library(folder.name), [written], libraries, words, log)
        for name in ("__init__.py", "_version.py"):
            (sources / name).rename(made / name)
    for name in ("NetfilterQueue-source", "cython"):
        cache.remove_tree(work / name)


def _library(python: str) -> str:
    """Name under which CPython (``python3.13``) looks for the library."""
    return f"_impl.cpython-{python.removeprefix('python').replace('.', '')}-i386-linux-gnu.so"


def _translated(work: Path, sources: Path, cython: str, log: Path) -> Path:
    tool = work / "cython"
    cache.remove_tree(tool)
    pypi.tool(work, tool, cython, log)
    written = sources / "_impl.c"
    words = ["--directive", "language_level=3str", "-o", str(written), str(sources / "_impl.pyx")]
    environment = {**os.environ, "PYTHONPATH": str(tool)}
    run_command.run(run_command.python("-m", "cython", *words), log=log, env=environment)
    return written
