# SPDX-License-Identifier: MIT
"""Every example runs, answers its packets, and ends with a signal."""

from __future__ import annotations

import os
import runpy
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import fastqueue
import pytest
from fastqueue import Queue, RingOptions, abi

from .fake_kernel import FakeKernel
from .packets import ipv4, tcp, udp

EXAMPLES = Path(__file__).parents[3] / "pyhandler" / "examples"
PACKETS = [ipv4(udp()), ipv4(tcp(), protocol=6), b"", ipv4(udp())]
FRAME_SIZE = 128


class Ended(FakeKernel):
    """Interrupts the program once all kernels of the test have settled what they received."""

    every: list[Ended]
    queues: int
    interrupted: threading.Lock  # taken once: a second signal could meet the program's own clearing up
    number = signal.SIGINT

    def send(self) -> None:
        super().send()
        done = len(self.every) == self.queues and not any(each.slots or each.plan for each in self.every)
        if done and self.interrupted.acquire(blocking=False):
            os.kill(os.getpid(), self.number)


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Ended]]:
    """Have examples open queues of a model; what they opened is in the list."""
    opened: list[Ended] = []

    def open_queue(request: RingOptions | int) -> Queue:
        asked = request if isinstance(request, RingOptions) else RingOptions(request)
        asked = asked._replace(frames=16, frame_size=FRAME_SIZE)
        kernel = Ended(asked)
        for packet in PACKETS:
            kernel.receive(packet)
        kernel.plan = [3, 1]
        opened.append(kernel)
        return Queue(asked, backend=kernel)

    monkeypatch.setattr(fastqueue, "Queue", open_queue)
    monkeypatch.setattr(Ended, "every", opened, raising=False)
    monkeypatch.setattr(Ended, "interrupted", threading.Lock(), raising=False)
    before = signal.getsignal(signal.SIGINT)
    yield opened
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize(
    ("example", "queues"),
    [("one_by_one", 1), ("batches", 1), ("with_asyncio", 1), ("with_threads", 4), ("with_selectors", 2)],
)
def test_an_example(example: str, queues: int, kernels: list[Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ended, "queues", queues, raising=False)
    if example == "with_selectors":  # which only looks at what is there
        monkeypatch.setattr(Ended, "plan", property(lambda self: [], lambda self, plan: None), raising=False)
    runpy.run_path(str(EXAMPLES / f"{example}.py"), run_name="__main__")
    assert len(kernels) == queues
    for kernel in kernels:
        verdicts = [each.verdict for each in kernel.settled]
        assert len(verdicts) == kernel.next_name
        dropped = [name for name, verdict in enumerate(verdicts) if verdict == abi.DROP]
        assert dropped == ([0, 3] if example == "one_by_one" else [])


def test_the_examples_are_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f"`{path.name}`" in listed
