# SPDX-License-Identifier: MIT
"""What fastqueue-run says to words that start no program, and what it returns."""

from __future__ import annotations

import pytest

from devkit.target import Target


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("", 2, "usage: fastqueue-run "),
        ("--gso", 2, "usage: fastqueue-run "),
        ("--gos true", 2, "usage: fastqueue-run "),
        ("--gso -x", 2, "usage: fastqueue-run "),
        ("no-such-program", 127, "fastqueue-run: no-such-program: No such file or directory"),
        ("/etc/passwd", 126, "fastqueue-run: /etc/passwd: Permission denied"),
        ("--environment", 0, "LD_PRELOAD=/usr/lib/fastqueue/compat/libnetfilter_queue.so.1"),
        ("sh -c 'exit 7'", 7, ""),
    ],
)
def test_what_it_returns(target: Target, words: str, status: int, said: str) -> None:
    done = target.run(f"fastqueue-run {words}", check=False)
    assert done.status == status
    assert done.output.startswith(said)
