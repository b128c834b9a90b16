# SPDX-License-Identifier: MIT
"""Fuzz one target for some seconds and add to its corpus: the fewest short inputs for all edges.

Inputs with a name that is no number are of faults that were found; they stay.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from . import targets

#: Bytes of an input that is kept: what only a longer one reaches is left to chance.
_LONGEST = 1000


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.unit.native.fuzz", description=__doc__)
    parser.add_argument("target", choices=targets.TARGETS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    corpus = targets.CORPORA / options.target
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = targets.TARGETS[options.target].build(folder)
        found = folder / "found"
        found.mkdir()
        done = targets.run(program, corpus, number=0, seconds=options.seconds, seed=options.seed, found=found)
        print(options.target, done.output if done.status == 0 else f"{done.output}\ninput: {done.last.hex()}")
        kept = reduced(program, corpus.iterdir(), found.iterdir(), folder)
        _replace(corpus, kept)
    print(len(kept), "inputs in the corpus")
    sys.exit(done.status != 0)


def reduced(program: Path, corpus: Iterable[Path], found: Iterable[Path], folder: Path) -> list[bytes]:
    """Return the inputs that reach all edges which named ones of ``corpus`` do not, short ones first."""
    before, after = folder / "before", folder / "after"
    before.mkdir()
    after.mkdir()
    paths = [*corpus, *found]
    named = [path.read_bytes() for path in paths if not path.name.isdecimal()]
    contents = {path.read_bytes() for path in paths if path.stat().st_size <= _LONGEST} - set(named)
    ordered = sorted(contents, key=lambda content: (len(content), content))
    for number, content in enumerate([*named, *ordered]):
        (before / f"{number:08}").write_bytes(content)
    assert targets.run(program, before, number=0, found=after).status == 0
    kept = [path.read_bytes() for path in sorted(after.iterdir())]
    return [content for content in kept if content not in named]


def _replace(corpus: Path, contents: list[bytes]) -> None:
    for path in corpus.iterdir():
        if path.name.isdecimal():
            path.unlink()
    for number, content in enumerate(contents):
        (corpus / f"{number:03}").write_bytes(content)


if __name__ == "__main__":
    main()
