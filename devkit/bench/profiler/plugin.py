# SPDX-License-Identifier: MIT
"""The plugin: built with the host's compiler when it is needed; its counts, read back from QEMU."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from devkit.hardware import machine_profile as profiles
from devkit.hardware.machine_profile import Profile
from devkit.host import cache, regular_file, run_command
from devkit.host.paths import LOGS
from devkit.target.base import understood

SOURCE = Path(__file__).parent / "plugin.c"
CFLAGS = ("-O2", "-Wall", "-Wextra", "-fPIC")
_LIBRARY = "libinstructions.so"
_OUT = "instructions.txt"
#: Most that is read of the counts (bytes). A line has about 20 bytes, a run about 100,000 lines.
LARGEST = 16 << 20


def build() -> Path:
    """Return the plugin, compiled into the cache; KitError FQ-TOOL, FQ-COMMAND."""
    compiler = run_command.need("cc", "gcc")

    def make(work: Path) -> None:
        argv: list[str | Path] = [compiler, *CFLAGS, "-shared", "-o", work / _LIBRARY, SOURCE]
        run_command.run(argv, log=LOGS / "plugin.log")

    def key() -> str:
        version = run_command.run([compiler, "--version"])
        return cache.digest(*CFLAGS, version, os.uname().machine, SOURCE.read_bytes())

    return cache.entry("instructions-plugin", key, make) / _LIBRARY


class Counts:
    """What the plugin counts in one boot. As a context manager: its directory is gone at the end.

    QEMU may write to that directory, so it is for this boot alone, and what is in it may be anything.
    """

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="fq-counts-")
        #: What the plugin writes at the end of each count.
        self.out = Path(self._directory.name).resolve() / _OUT

    def profile(self, name: str) -> Profile:
        """Return the profile ``name`` with the plugin; KitError as build()."""
        base, library = profiles.load(name), build().resolve()
        words = ("-plugin", f"{_escaped(library)},out={_escaped(self.out)}")
        return replace(base, arguments=(*base.arguments, *words), reads=(library,), writes=(self.out.parent,))

    def read(self) -> dict[int, int]:
        """Return how often the instruction at each address was executed; KitError FQ-TARGET if it is unclear.

        That is the case if the guest or a QEMU that it took over left no such file.
        """
        with understood("executed instructions"):
            try:
                text = regular_file.read(self.out, LARGEST).decode("ascii")
            except OSError as error:
                raise ValueError(f"{error.filename}: {error.strerror}") from error
            return dict(map(_pair, text.splitlines()))

    def close(self) -> None:
        """Remove the directory."""
        self._directory.cleanup()

    def __enter__(self) -> Counts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pair(line: str) -> tuple[int, int]:
    address, count = line.split()
    return int(address, 16), int(count)


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")
