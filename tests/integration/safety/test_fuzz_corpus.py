# SPDX-License-Identifier: MIT
"""The sequences that fuzzing has kept, each once: what was reached must stay right.

``FASTQUEUE_FUZZ_CORPUS`` names another file, such as out/fuzz/failure.txt. ``./inv fuzz`` looks for more.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devkit.fuzz import fuzzer
from devkit.fuzz.program import CORPUS, Summary
from devkit.target.qemu import Target

_FILE = os.environ.get("FASTQUEUE_FUZZ_CORPUS")

#: Calls that must have been answered without an error: otherwise the corpus does not reach what it is for.
_DONE = ("open", "dup", "alloc", "resize", "set", "kick", "stats", "poll", "wait", "map", "unmap", "answer",
         "payload", "send", "frame", "connect", "link", "rules", "fork")  # fmt: skip


@pytest.mark.timeout(900)
def test_each_sequence_of_the_corpus(target: Target) -> None:
    """abi-fuzz checks counters and what is left, and reads the kernel's log after each."""
    corpus = (Path(_FILE) if _FILE else CORPUS).read_bytes()
    fuzzer.install(target, corpus)
    output = fuzzer.replay(target, timeout=800)
    assert Summary.parse(output).runs
    words = [line.split() for line in output.splitlines() if line.startswith("call ")]
    never = {name for _, name, done, _ in words if done == "0"}
    assert _FILE or not never.intersection(_DONE), output
