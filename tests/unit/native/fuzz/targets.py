# SPDX-License-Identifier: MIT
"""The targets: what they are built of, and how many inputs each gets in a run of the suite."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import sanitized
from ..sanitized import COMPAT, HOST, NATIVE, Machine, compile_plain, compile_program, i686

HERE = Path(__file__).parent
CORPORA = HERE / "corpus"
DRIVER = ("driver", "coverage", "mutate")
_ARGUMENTS = NATIVE / "common/arguments.c"
_MODEL = HERE.parent / "compat_device.c"
_RING = tuple(NATIVE / f"libfastqueue/{name}.c" for name in ("ring", "verdict", "empty"))
_LIBRARY = (*_RING, *(NATIVE / f"libfastqueue/{name}.c" for name in ("queue", "mmap", "control")))
#: The target goes on where a program ends.
_PROGRAM = ("-Dexit=program_exit",)


@dataclass(frozen=True)
class Target:
    """One target.

    name:   of its file in this folder, and of the folder of its corpus
    number: inputs in a run of the suite
    parts:  sources besides its own
    i686:   built for the target's architecture, for libraries that only that has here
    """

    name: str
    number: int
    parts: Sequence[Path]
    flags: Sequence[str] = ()
    i686: bool = False
    libraries: Sequence[str] = ()

    def build(self, folder: Path) -> Path:
        """Compile it with its driver into ``folder``; return the program."""
        machine = i686() if self.i686 else HOST
        driver = driver_objects(folder, machine)
        flags = ("-fsanitize-coverage=trace-pc", *self.flags)
        sources = [HERE / f"{self.name}.c", *self.parts, *driver]
        return compile_program(
            folder / self.name, sources, machine=machine, flags=flags, libraries=self.libraries
        )


def _daq(name: str, number: int) -> Target:
    parts = (HERE / "daq_host.c", *sorted((NATIVE / "daq").glob("*.c")), _MODEL, *_RING)
    return Target(name, number, parts, i686=True, libraries=("-l:libsfbpf.a",))


TARGETS = {
    one.name: one
    for one in (
        Target("compat_attributes", 8000, (COMPAT / "attribute.c", COMPAT / "shape.c")),
        Target(
            "compat_packets",
            10_000,
            [COMPAT / f"{name}.c" for name in ("attribute", "shape", "message", "packet", "xml")],
        ),
        Target("compat_requests", 2000, (*sanitized.compat_library(), _MODEL)),
        _daq("daq_variables", 50_000),
        _daq("daq_packets", 4000),
        Target("light_ids", 6000, (NATIVE / "light-ids/patterns.c",)),
        Target("drop_port", 100_000, _LIBRARY, flags=("-Wno-unused-function",)),
        Target("option_numbers", 50_000, (_ARGUMENTS,), _PROGRAM),
        Target("options_fq_null", 50_000, (NATIVE / "handlers/options.c", _ARGUMENTS), _PROGRAM),
        Target("options_baseline", 50_000, (NATIVE / "nfqueue-baseline/options.c", _ARGUMENTS), _PROGRAM),
        Target(
            "bench_source",
            30_000,
            [*(NATIVE / f"bench-source/{name}.c" for name in ("options", "frame", "tcp")), _ARGUMENTS],
            _PROGRAM,
        ),
        Target(
            "baseline_datagrams",
            100_000,
            (),
            ("-Wno-unused-function",),
            i686=True,
            libraries=("-l:libnetfilter_queue.a", "-lmnl"),
        ),
    )
}


def driver_objects(folder: Path, machine: Machine) -> list[Path]:
    """The driver, which is neither guided by its own blocks nor slowed down by sanitizers."""
    made = [folder / f"{name}-{machine.compiler}.o" for name in DRIVER]
    for name, path in zip(DRIVER, made, strict=True):
        if not path.exists():
            compile_plain(path, HERE / f"{name}.c", machine)
    return made


@dataclass(frozen=True)
class Outcome:
    """How a run ended: status, what the program and the sanitizers said, and the input that was run last."""

    status: int
    output: str
    last: bytes

    @property
    def count(self) -> int:
        """Inputs that were run."""
        assert self.status == 0, f"{self.output}\ninput: {self.last.hex()}"
        return int(self.output.split()[0])


def run(
    program: Path, corpus: Path, *, number: int, seconds: float = 0, seed: int = 1, found: Path | None = None
) -> Outcome:
    """Run a built target; inputs that reach something new go to ``found``."""
    with tempfile.NamedTemporaryFile() as current:
        words = [str(program), str(number), str(seconds), str(seed), current.name, str(corpus)]
        words += [str(found)] if found else []
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=sanitized.ENVIRONMENT,
            text=True,
            errors="replace",
            check=False,
        )
        content = Path(current.name).read_bytes()
    size = int.from_bytes(content[:8], "little")
    return Outcome(done.returncode, done.stdout, content[8 : 8 + size])
