# SPDX-License-Identifier: MIT
"""Names of the places of things: the project, its output, the cache, the run-time directory of the labs.

That the last two are this user's alone is checked where they are used (cache.directory, lab.folder.top).
"""

from __future__ import annotations

import os
from pathlib import Path

from devkit.host import private_dir

PROJECT = Path(__file__).resolve().parents[2]
OUT = PROJECT / "out"
LOGS = OUT / "logs"


def cache_dir() -> Path:
    """Directory of everything that can be made again: ``~/.cache/fastqueue``, after XDG."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).resolve() / "fastqueue"


def runtime_dir() -> Path:
    """Directory of the running labs, private to the user and short: socket paths end at 108 bytes.

    ``$FASTQUEUE_RUNTIME``, else ``/run/fastqueue`` for root, ``fastqueue`` in the user's own run-time
    directory if there is one, ``/tmp/fastqueue-UID`` otherwise. Links are resolved but for the last name.
    """
    wish = os.environ.get("FASTQUEUE_RUNTIME")
    if wish:
        path = Path(wish).absolute()
        return path.parent.resolve() / path.name
    if os.geteuid() == 0 and os.access("/run", os.W_OK):
        return Path("/run").resolve() / "fastqueue"
    for place in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.geteuid()}"):
        if place and private_dir.is_ours(Path(place).resolve()):
            return Path(place).resolve() / "fastqueue"
    return Path("/tmp").resolve() / f"fastqueue-{os.geteuid()}"
