# SPDX-License-Identifier: MIT
"""abi-fuzz, the program that fuzzes in the target: how it is built, and what it prints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.paths import LOGS, PROJECT
from devkit.host.progress import stage
from devkit.image import cross_compiler, native_programs

SOURCE = PROJECT / "tests/guest/fuzz"
#: Sequences that together reach what fuzzing has reached so far.
CORPUS = SOURCE / "corpus.txt"
_RECIPE = "1"
WORDS = ("-D_FILE_OFFSET_BITS=64", f"-I{native_programs.UAPI}", "-pthread")


def program() -> Path:
    """Return abi-fuzz, built for the target; 32-bit on a 64-bit kernel too.

    Raises KitError FQ-COMMAND, with the compiler's last lines, if it does not build.
    """
    sources = sorted([*SOURCE.glob("*.c"), *SOURCE.glob("*.h")])
    libraries = native_programs.sysroot()
    compiler = run_command.run(
        [run_command.need(native_programs.COMPILER, "gcc-i686-linux-gnu"), "--version"]
    )

    def make(work: Path) -> None:
        log = LOGS / "abi-fuzz.log"
        with stage("abi-fuzz: build", log):
            cross_compiler.link(
                work / "abi-fuzz",
                [path for path in sources if path.suffix == ".c"],
                libraries,
                ["-Werror", *WORDS],
                log,
            )

    def key() -> str:
        packages = (libraries / "packages.json").read_text()
        tree = cache.digest_tree(*sources, native_programs.UAPI)
        return cache.digest(_RECIPE, native_programs.CFLAGS, *WORDS, packages, compiler, tree)

    return cache.entry("abi-fuzz", key, make) / "abi-fuzz"


@dataclass(frozen=True)
class Summary:
    """Counts of one run of abi-fuzz.

    runs: sequences executed; corpus: sequences kept; edges, blocks: of the module, reached in process
    context, 0 on a kernel without kcov.
    """

    runs: int
    corpus: int
    edges: int
    blocks: int

    @classmethod
    def parse(cls, output: str) -> Summary:
        """Return the summary in the last line that has one. Raises ValueError if there is none."""
        lines = [line for line in output.splitlines() if line.startswith('{"runs"')]
        if not lines:
            raise ValueError("abi-fuzz printed no summary")
        return cls(**json.loads(lines[-1]))


def last_sequences(output: str, count: int = 3) -> str:
    """Return the end of ``output`` from the last ``count`` sequences on: text that abi-fuzz can replay.

    What abi-fuzz says about them (``run 7``, ``fault ...``) becomes comments.
    """
    lines = output.splitlines()
    begins = [index for index, line in enumerate(lines) if line.startswith("run ")]
    first = begins[-count] if len(begins) >= count else 0
    said = ("run ", "fault ", "call ", "{")
    kept = [f"# {line}" if line.startswith(said) else line for line in lines[first:]]
    return "\n".join(kept) + "\n"
