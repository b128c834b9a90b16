# SPDX-License-Identifier: MIT
"""Where things lie: the project, its output, the cache, the labs' run-time folders."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
OUT = PROJECT / "out"
LOGS = OUT / "logs"


def cache_dir() -> Path:
    """Folder of everything that can be made again: ``~/.cache/fastqueue``, after XDG."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).absolute() / "fastqueue"


def runtime_dir() -> Path:
    """Folder of the running labs, private to the user and short: socket paths end at 108 bytes."""
    return Path(os.environ.get("FASTQUEUE_RUNTIME") or f"/tmp/fastqueue-{os.getuid()}").absolute()
