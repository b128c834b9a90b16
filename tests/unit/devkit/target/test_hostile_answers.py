# SPDX-License-Identifier: MIT
"""A target may answer anything: that is an error with a code, never a traceback."""

from __future__ import annotations

import base64
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pexpect import EOF

from devkit.bench.methods.external_traffic import Counted
from devkit.bench.workload import traffic_source, veth_network
from devkit.fuzz import fuzzer as fuzz
from devkit.host import run_command
from devkit.host.errors import KitError
from devkit.measure import iperf, throughput
from devkit.suricata.engine import Engine
from devkit.target import ab_update, qemu
from devkit.target.background_process import Background
from devkit.target.base import TargetCommands, understood
from devkit.target.channel import Channel
from devkit.target.serial import Address, SerialTarget
from devkit.target.shell import Result


@dataclass
class Odd(TargetCommands):
    """A target that answers the same to each command."""

    answer: bytes

    def gone(self) -> KitError:
        return KitError("FQ-TARGET", "gone", "")

    def run(self, *words: object, **options: object) -> Result:
        return Result(0, self.answer)


def _in_bed(odd: Odd) -> None:
    with veth_network.set_up(odd):  # type: ignore[arg-type]
        pass


_QUESTIONS: dict[str, Callable[[Any], object]] = {
    "slots": ab_update.slots,
    "file": lambda odd: odd.get("/etc/passwd"),
    "program": lambda odd: Background(odd, ["true"]),
    "processor": lambda odd: throughput.cpu_use(odd, 1),
    "counts": Counted.read,
    "alerts": lambda odd: Engine(odd, None).events(),  # type: ignore[arg-type]
    "corpus": fuzz._store_corpus,
    "blocks": fuzz.reached,
    "source": lambda odd: traffic_source.parse(odd.run().output),
    "bed": _in_bed,
}
_ANSWERS = {
    "nothing": b"",
    "no value": b"running=a\n",
    "words": b"one two\nthree\n",
    "no number": b"running=a\nslot=a\ntrial=\ntries=zz\n",
    "a long number": b"running=a\nslot=a\ntrial=\ntries=" + b"9" * 5000,
    "no UTF-8": b"\xff\xfe\n\xff\n",
    "no base64": b"AAA",
    "deep": b"[" * 100_000 + b"\n",
    "a list": b"[]\n",
    "no time": b"1 1\n1 1\n",
    "controls": base64.b64encode(b"\x1b[2J"),
}


@pytest.mark.parametrize("answer", _ANSWERS.values(), ids=_ANSWERS.keys())
@pytest.mark.parametrize("question", _QUESTIONS.values(), ids=_QUESTIONS.keys())
def test_an_odd_answer_has_a_code(
    question: Callable[[Any], object], answer: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fuzz, "CORPUS", tmp_path / "corpus")
    try:
        question(Odd(answer))
    except KitError as error:
        assert error.code in {"FQ-TARGET", "FQ-BENCH"}
    # what is left is an answer that was understood, such as an empty file


class Chatty:
    """A shell whose commands fail, with very many lines."""

    def __init__(self, lines: int) -> None:
        self.raw = b"\n" * lines

    def run(self, line: str, **_: object) -> Result:
        return Result(1, self.raw)


class Failing(TargetCommands):
    """A target whose shell it is."""

    def gone(self) -> KitError:
        return KitError("FQ-TARGET", "gone", "")


def _read(answer: str) -> None:
    with understood("a number", answer):
        int("x")


_LINES = 4 << 20
_LONG = "\n" * _LINES
_COMPLAINTS: dict[str, Callable[[], object]] = {
    "an answer": lambda: _read(_LONG),
    "a command": lambda: Failing(Chatty(_LINES), None).run("false"),  # type: ignore[arg-type]
    "a report": lambda: iperf.parse(_LONG),
    "a text": lambda: _raise(run_command.last_lines(_LONG)),
}


def _raise(lines: list[str]) -> None:
    raise KitError("FQ-TARGET", "what", "remedy", lines=lines)


@pytest.mark.parametrize("complain", _COMPLAINTS.values(), ids=_COMPLAINTS.keys())
def test_of_many_lines_only_the_last_ones_take_memory(complain: Callable[[], object]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(KitError) as caught:
            complain()
        assert tracemalloc.get_traced_memory()[1] < 2 * _LINES
    finally:
        tracemalloc.stop()
    assert len(caught.value.lines) == run_command.TAIL_LINES


def test_a_file_of_the_target_has_a_limit() -> None:
    for size in (0, 1, 56, 57, 58, 1000):
        odd = Limited(base64.encodebytes(bytes(size)))
        assert odd.get("file", size) == bytes(size)
        assert odd.get("file") == bytes(size)
    for size in (1, 57, 58, 1000):
        odd = Limited(base64.encodebytes(bytes(size)))
        with pytest.raises(KitError) as caught:
            odd.get("file", size - 1)
        assert caught.value.code == "FQ-OUTPUT"


class Limited(Odd):
    """A target that keeps to the limit of what a command may print."""

    def run(self, *words: object, **options: object) -> Result:
        limit = options["limit"]
        assert isinstance(limit, int)
        if len(self.answer) > limit:
            raise KitError("FQ-OUTPUT", "too long", "")
        return Result(0, self.answer)


@pytest.mark.parametrize("question", [fuzz._store_corpus, fuzz.reached], ids=["corpus", "blocks"])
def test_files_of_the_fuzzer_have_a_limit(
    question: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fuzz, "CORPUS", tmp_path / "corpus")
    with pytest.raises(KitError) as caught:
        question(Limited(base64.encodebytes(b"1 " * (3 << 20))))
    assert caught.value.code == "FQ-OUTPUT"


def test_a_board_whose_line_goes_away_is_an_error_with_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    class Line:
        def __init__(self, *_: object) -> None:
            pass

        def settimeout(self, timeout: float) -> None:
            pass

        def recv(self, size: int) -> bytes:
            return b""

        def send(self, data: memoryview) -> int:
            return len(data)

        def shutdown(self, how: int) -> None:
            pass

        def close(self) -> None:
            pass

    monkeypatch.setattr("devkit.target.serial.SerialLine", Line)
    with pytest.raises(KitError) as caught:
        SerialTarget.attach(Address(Path("/dev/ttyUSB0")), 5.0)
    assert caught.value.code == "FQ-TARGET"


@pytest.mark.parametrize("error", [EOF("end"), ConnectionRefusedError()])
def test_a_target_that_hangs_up_is_an_error_with_a_code(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Lab:
        name, directory, logs = "one", tmp_path, tmp_path

    def connect(path: Path) -> None:
        raise error

    monkeypatch.setattr(Channel, "connect", connect)
    with pytest.raises(KitError) as caught:
        qemu._attached(Lab())  # type: ignore[arg-type]
    assert caught.value.code == "FQ-TARGET"
