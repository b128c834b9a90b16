# SPDX-License-Identifier: MIT
"""The compatibility library's lock: nobody else is inside, and no handler waits for its own thread."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .compat_programs import PROJECT, build


def test_threads_exclude_each_other_and_handlers_go_on(tmp_path: Path) -> None:
    sources = (Path(__file__).with_name("compat_lock.c"), PROJECT / "native/nfqueue-compat/lock.c")
    program = build(tmp_path / "lock", *sources)
    done = subprocess.run([program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "1 0 0\n", done.stderr
