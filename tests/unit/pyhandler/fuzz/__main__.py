# SPDX-License-Identifier: MIT
"""Fuzz one target, guided by coverage if the package atheris is installed, for some seconds."""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4] / "pyhandler/src"))

from ..extension import build, load


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.unit.pyhandler.fuzz", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="not guided, with the engine of the tests")
    parser.add_argument("--found", type=Path, help="directory for inputs that reach something new")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        load(build(Path(folder)))
        if options.plain or find_spec("atheris") is None:
            from tests.fuzzing import engine

            from .targets import TARGETS

            target = TARGETS[options.target]
            print(engine.run(target, options.seed, number=0, seconds=options.seconds), "inputs")
        else:
            _guided(options)


def _guided(options: argparse.Namespace) -> None:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["fastqueue"]):
        from .targets import TARGETS

    target = TARGETS[options.target]
    arguments = [sys.argv[0], f"-max_total_time={options.seconds}", f"-seed={options.seed}"]
    arguments += [str(folder) for folder in (options.found, target.corpora / target.name) if folder]
    atheris.Setup(arguments, target.function)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
