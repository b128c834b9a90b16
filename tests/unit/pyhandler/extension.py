# SPDX-License-Identifier: MIT
"""The C extension of the package, built for this machine and put into this process."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from fastqueue import backend

PYHANDLER = Path(__file__).parents[3] / "pyhandler"
_FLAGS = "-O1 -Wall -Wextra -Werror -Wno-missing-field-initializers"


def build(folder: Path, flags: str = "") -> Path:
    """Build it as an installation does, with every warning an error; return the file."""
    argv = [sys.executable, "setup.py", "-q", "build_ext", "--force"]
    argv += [f"--build-lib={folder}", f"--build-temp={folder}"]
    environment = {**os.environ, "CFLAGS": f"{_FLAGS} {flags}", "LDFLAGS": flags}
    done = subprocess.run(argv, cwd=PYHANDLER, env=environment, capture_output=True, text=True, check=False)
    (built, *_) = [*folder.rglob("_ring.*.so"), None]
    assert built is not None, done.stdout + done.stderr
    return built


def load(file: Path) -> backend.Implementation:
    """Load a built extension; return the implementation that uses it."""
    spec = importlib.util.spec_from_file_location("fastqueue._ring", file)
    assert spec is not None
    assert spec.loader is not None
    sys.modules["fastqueue._ring"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return backend.accelerated()
