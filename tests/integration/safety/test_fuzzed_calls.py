# SPDX-License-Identifier: MIT
"""Sequences of ioctl, mmap, poll and close that nobody thought of, all in one round trip to the target."""

from __future__ import annotations

import json
import os
import time
import zlib

import pytest
from cases import PLACE, Runner
from fuzzed_sessions import make

from devkit.target import kernel_modules
from devkit.target.qemu import Target

SESSIONS = int(os.environ.get("FASTQUEUE_FUZZ", "2000"))
SEED = int(os.environ.get("FASTQUEUE_SEED", "1"))

#: Answers that a run must have met: otherwise the sessions do not reach what they are made for.
MET = (
    "alloc done", "alloc EINVAL", "alloc EPROTO", "alloc EBUSY", "alloc ENOMEM", "alloc EBADF",
    "resize done", "resize EINVAL", "resize EBUSY", "resize ENXIO",
    "set done", "set EINVAL", "set ENXIO", "kick done", "stats done", "unknown ENOTTY", "nowhere EFAULT",
    "mmap done", "mmap EINVAL", "mmap EPERM", "mmap ENXIO", "mprotect done", "mprotect EACCES",
    "mremap done", "mremap EFAULT",
)  # fmt: skip


@pytest.mark.timeout(900)
def test_any_sequence_of_calls_gets_the_answers_of_the_abi(runner: Runner, target: Target) -> None:
    """The model of programs/call_model.py says what is right; nothing is left after any session."""
    kernel_modules.load_only(target, kernel_modules.FASTQUEUE)
    sessions = make(SESSIONS, SEED)
    target.put(zlib.compress(json.dumps(sessions).encode()), f"{PLACE}/sessions")
    mark = target.log.mark()
    target.put(zlib.compress(json.dumps(sessions[:50]).encode()), f"{PLACE}/first")
    target.run(["python3", f"{PLACE}/calls.py", f"{PLACE}/first"])  # what is taken once, for good
    before = _available(target)
    done = target.run(["python3", f"{PLACE}/calls.py", f"{PLACE}/sessions"], timeout=600, check=False)
    assert not done.status, done.output
    found = json.loads(done.output.splitlines()[-1])
    wrong = [f"{what}\n  {calls}" for what, calls in found["wrong"]]
    assert not wrong, f"seed {SEED}: " + "\n".join(wrong)
    assert not target.log.complaints(mark)
    missed = [name for name in MET if not found["counts"].get(name)]
    assert not missed, f"no session came to {missed}: {found['counts']}"
    kernel_modules.unload(target, kernel_modules.FASTQUEUE)
    kernel_modules.load(target, kernel_modules.FASTQUEUE)
    _memory_comes_back(target, before)
    print(f"{found['sessions']} sessions, {sum(found['counts'].values())} answers: {found['counts']}")


def _memory_comes_back(target: Target, before: int) -> None:
    """Fail unless it does, within the time that the kernel takes for the last namespaces."""
    missing = []
    for _ in range(40):
        missing.append(before - _available(target))
        if missing[-1] < 3000:
            return
        time.sleep(0.25)
    raise AssertionError(f"kB of memory that did not come back, four readings per second: {missing}")


def _available(target: Target) -> int:
    lines = target.run("sync; echo 3 >/proc/sys/vm/drop_caches; cat /proc/meminfo").output.splitlines()
    return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])
