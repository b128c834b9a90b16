# SPDX-License-Identifier: MIT
"""What fastqueue-run and the library say where a program cannot be served, and what is returned."""

from __future__ import annotations

import pytest

from devkit.target import kernel_modules
from devkit.target.qemu import Target


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


@pytest.mark.parametrize("call", ["nfq_unbind_pf(handle, 2)", "nfq_create_queue(handle, 0, None, None)"])
def test_a_program_without_the_module_is_told(target: Target, call: str) -> None:
    kernel_modules.load_only(target, None)
    lines = (
        "from ctypes import CDLL, c_void_p",
        "nfq = CDLL('libnetfilter_queue.so.1')",
        "nfq.nfq_open.restype = c_void_p",
        "handle = c_void_p(nfq.nfq_open())",
        f"nfq.{call}",
    )
    done = target.run(f'fastqueue-run python3 -c "{"; ".join(lines)}"')
    assert done.output.startswith("fastqueue: python3: ")
    assert done.output.rstrip().endswith("the module is not loaded; load it: modprobe fastqueue")
