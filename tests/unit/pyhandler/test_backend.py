# SPDX-License-Identifier: MIT
"""Which implementation is taken, and what the one in C does with what does not fit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fastqueue import Queue, RingOptions, abi, backend
from fastqueue.backend import PLAIN, Implementation, choose
from hypothesis import given
from hypothesis import strategies as st

from .fake_kernel import FakeKernel
from .packets import ipv4, ipv6, tcp, udp

SOURCES = Path(__file__).parents[3] / "pyhandler" / "src"
REQUEST = RingOptions(0, frames=8, frame_size=64)


def test_python_on_request(implemented: str) -> None:
    assert choose("python") is PLAIN
    with pytest.raises(ImportError, match="take c or python"):
        choose("rust")


def test_the_quicker_one_that_is_there(monkeypatch: pytest.MonkeyPatch, accelerated: Implementation) -> None:
    assert choose("") == choose("c") == accelerated

    def missing() -> Implementation:
        raise ImportError("not built")

    monkeypatch.setattr(backend, "accelerated", missing)
    assert choose("") is PLAIN
    with pytest.raises(ImportError, match="there is no C extension: not built"):
        choose("c")


def test_the_environment_chooses() -> None:
    program = "import fastqueue; print(fastqueue.IMPLEMENTATION)"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), backend.VARIABLE: "python"}
    argv = [sys.executable, "-c", program]
    assert subprocess.run(argv, env=environment, capture_output=True, check=True).stdout == b"plain Python\n"
    environment[backend.VARIABLE] = "other"
    done = subprocess.run(argv, env=environment, capture_output=True, check=False)
    assert b"FASTQUEUE_IMPLEMENTATION is 'other'" in done.stderr


COMMANDS = (["-m", "fastqueue"], ["-c", "import sys; from fastqueue.cli import main; sys.exit(main())"])


@pytest.mark.parametrize("command", COMMANDS, ids=["module", "console script"])
@pytest.mark.parametrize("words", [["--version"], ["run", "null"], ["stat"], ["top", "--times", "1"]])
@pytest.mark.parametrize("wish", ["nonsense", "C", "\x1b[31m"])
def test_the_command_refuses_an_implementation_that_there_is_not(
    command: list[str], words: list[str], wish: str
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), backend.VARIABLE: wish}
    done = subprocess.run(
        [sys.executable, *command, *words], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"fastqueue: FASTQUEUE_IMPLEMENTATION is {wish!r}; take c or python\n"


@pytest.mark.parametrize("command", COMMANDS, ids=["module", "console script"])
def test_the_command_refuses_an_extension_that_was_not_built(command: list[str], tmp_path: Path) -> None:
    copy = shutil.copytree(
        SOURCES / "fastqueue", tmp_path / "fastqueue", ignore=shutil.ignore_patterns("*.so")
    )
    environment = {**os.environ, "PYTHONPATH": str(copy.parent), backend.VARIABLE: "c"}
    argv = [sys.executable, *command, "--version"]
    done = subprocess.run(argv, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fastqueue: FASTQUEUE_IMPLEMENTATION is c, but there is no C extension: ")
    assert done.stderr.count("\n") == 1


def test_modules_have_no_other_attributes() -> None:
    import fastqueue

    for module in (fastqueue, backend):
        with pytest.raises(AttributeError, match="'other'"):
            _ = module.other


def test_numbers_in_c_are_those_of_the_abi(accelerated: Implementation) -> None:
    from fastqueue import _ring

    for name in ("LAP_SHIFT", "CONTROL_FO", "STATUS_FA", "STATUS_FP", "META_CAP_LEN"):
        assert getattr(_ring, name) == getattr(abi, name), name
    assert abi.META.size == _ring.META_SIZE
    assert (_ring.ANSWER_DROP, _ring.ANSWER_ACCEPT) == (abi.ANSWER_DROP, abi.ANSWER_ACCEPT)


def test_frames_cannot_be_made_without_a_ring(accelerated: Implementation) -> None:
    from fastqueue import _ring
    from fastqueue.ring_c import AcceleratedFrame

    for kind in (_ring.Frame, AcceleratedFrame):
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError):
            object.__new__(kind)


def test_a_ring_that_was_given_up_refuses(implemented: str) -> None:
    kernel = FakeKernel(REQUEST)
    kernel.receive(b"x")
    queue = Queue(REQUEST, backend=kernel)
    batch = queue.wait(0)
    frame = batch[0]
    kernel.ring.release()
    uses: list[Callable[[], object]] = [
        frame.accept, lambda: frame.payload, lambda: frame.length, lambda: frame.settled, batch.accept_all,
        lambda: batch.decide(lambda view: abi.ANSWER_ACCEPT), kernel.ring.take, queue.done,
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(ValueError, match="released"):
            use()


def test_deciding_may_give_the_ring_up(implemented: str) -> None:
    kernel = FakeKernel(REQUEST)
    kernel.receive_many(3)
    queue = Queue(REQUEST, backend=kernel)

    def decide(view: memoryview) -> int:
        view.release()
        kernel.ring.release()
        return abi.ANSWER_ACCEPT

    with pytest.raises(ValueError, match="released"):
        queue.wait(0).decide(decide)


@pytest.mark.parametrize(("answer", "error"), [("6", TypeError), (-1, ValueError), (1 << 32, ValueError)])
def test_answers_that_are_none(implemented: str, answer: int, error: type[Exception]) -> None:
    kernel = FakeKernel(REQUEST)
    kernel.receive_many(2)
    batch = Queue(REQUEST, backend=kernel).wait(0)
    words = list(kernel.words)
    with pytest.raises(error):
        batch[0].answer(answer)
    with pytest.raises(error):
        batch.decide(lambda view: answer)
    assert list(kernel.words) == words


def test_what_decide_raises_comes_out(implemented: str) -> None:
    kernel = FakeKernel(REQUEST)
    kernel.receive_many(2)

    def decide(view: memoryview) -> int:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        Queue(REQUEST, backend=kernel).wait(0).decide(decide)


def test_frames_of_one_packet_are_equal(implemented: str) -> None:
    kernel = FakeKernel(REQUEST)
    kernel.receive_many(2)
    batch = Queue(REQUEST, backend=kernel).wait(0)
    assert batch[0] == batch[0] != batch[1]
    assert len({batch[0], batch[1], *batch}) == 2
    assert (batch[1].ring, batch[1].serial, batch[1].slot, batch[1].lap) == (kernel.ring, 1, 1, 0)


PORTS = st.integers(0, 40)
PACKETS = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda port, host: ipv4(udp(sport=port), src=f"198.18.0.{host}"), PORTS, st.integers(1, 5)),
    st.builds(lambda port: ipv4(tcp(dport=port), protocol=6), PORTS),
    st.builds(lambda port: ipv6(udp(dport=port)), PORTS),
)


@given(st.lists(PACKETS, max_size=60), st.sampled_from([1, 3, 8, 100]))
def test_flows_say_what_the_rules_say(packets: list[bytes], limit: int) -> None:
    def by_flow(view: memoryview) -> int:  # what a flow has in common
        return abi.ANSWER_DROP if len(view) > 24 and view[23] % 2 else abi.ANSWER_ACCEPT

    flows = backend.current.flows(by_flow, limit)
    for packet in packets:
        if len(packet) >= 24:
            assert flows.decide(memoryview(packet)) == by_flow(memoryview(packet))
    assert len(flows) <= max(limit, 1) * 4
