# SPDX-License-Identifier: MIT
"""Which machines plain Python refuses, and that the extension alone touches what needs an order."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from fastqueue import Queue, QueueError, RingOptions, abi, backend
from fastqueue.backend import Implementation
from fastqueue.cli import main
from fastqueue.handlers import Null

from .fake_kernel import FakeKernel, WouldSleepError

EXT = Path(__file__).parents[3] / "pyhandler" / "ext"
REQUEST = RingOptions(0, frames=8, frame_size=64)
WEAK = ["aarch64", "armv6l", "armv7l", "mips", "mips64", "ppc64le", "riscv64", "loongarch64", "alpha"]
STRONG = ["x86_64", "i386", "i486", "i586", "i686", "s390x"]


def pretend(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    """Have the kernel name another machine."""
    names = os.uname_result((*os.uname()[:4], machine))
    monkeypatch.setattr(os, "uname", lambda: names)


@pytest.mark.parametrize("machine", WEAK)
def test_plain_python_refuses_a_machine_that_reorders(
    monkeypatch: pytest.MonkeyPatch, machine: str, implemented: str
) -> None:
    pretend(monkeypatch, machine)
    if implemented == "C extension":
        kernel = FakeKernel(REQUEST)
        kernel.receive_many(3)
        with Queue(REQUEST, backend=kernel) as queue:
            queue.wait(0).accept_all()
            kernel.send()
        assert len(kernel.settled) == 3
        return
    with pytest.raises(QueueError, match=f"on {machine}, .*install fastqueue with its C extension"):
        FakeKernel(REQUEST)  # makes a ring


@pytest.mark.parametrize("machine", STRONG)
def test_both_run_where_the_order_is_strong(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    pretend(monkeypatch, machine)
    kernel = FakeKernel(REQUEST)
    kernel.receive_many(3)
    with Queue(REQUEST, backend=kernel) as queue:
        assert len(queue.wait(0)) == 3


def test_it_is_refused_before_the_device_is_opened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], implemented: str
) -> None:
    """So no packet is queued for a handler that cannot start; also from the command line, in one line."""
    pretend(monkeypatch, "aarch64")
    monkeypatch.setattr(os, "open", lambda path, *_: pytest.fail(f"{path} opened"))
    if implemented == "C extension":
        with pytest.raises(pytest.fail.Exception, match="fastqueue opened"):
            Queue(REQUEST)
        return
    with pytest.raises(QueueError, match="C extension"):
        Queue(REQUEST)
    assert main(["run", "null"]) == 1
    assert capsys.readouterr().err == (
        "fastqueue: plain Python cannot share a ring on aarch64, which reorders memory accesses; "
        "install fastqueue with its C extension: pip builds it if there is a C compiler\n"
    )


def test_python_stores_no_shared_word_beside_the_extension(
    monkeypatch: pytest.MonkeyPatch, accelerated: Implementation
) -> None:
    """Items of a memoryview have no order: words and FO are the extension's to store."""
    monkeypatch.setattr(backend, "current", accelerated)
    kernel = FakeKernel(REQUEST)
    ring = kernel.ring
    ring.words = ring.control = memoryview(b"")  # what Python would use
    kernel.plan = [1, 3, 4]
    with Queue(REQUEST, backend=kernel) as queue:
        first, second, third = (queue.wait() for _ in range(3))
        first[0].accept(mark=1)
        for frame in second:
            frame.requeue(1)
        third.decide(lambda view: abi.ANSWER_DROP)
        queue.kick()
        kernel.plan = [1, 8, 2]
        with pytest.raises(WouldSleepError):
            Null().serve(queue)
    verdicts = [each.verdict for each in kernel.settled]
    assert verdicts == [abi.ACCEPT, *[abi.QUEUE] * 3, *[abi.DROP] * 4, *[abi.ACCEPT] * 11]
    assert kernel.invalid_words == 0


def test_the_extension_reaches_shared_words_by_atomic_accesses_only() -> None:
    """Every use of the areas that both sides change is an argument of an ``__atomic`` built-in."""
    text = "".join(path.read_text() for path in sorted(EXT.glob("*.[ch]")))
    shared = re.findall(r"[^;{}]*ring_words\(\w+, FQ_(?:WORDS|STATUS|CONTROL)\)[^;]*;", text)
    assert len(shared) >= 4
    aliases = set()
    for use in shared:
        alias = re.search(r"\*(\w+) = ring_words", use)
        if alias:
            aliases.add(alias[1])
        else:
            assert "__atomic_" in use, use
    for name in aliases:
        for use in re.findall(rf"[^;{{}}]*\b{name}\[[^;]*;", text):
            assert f"__atomic_load_n(&{name}[" in use, use
