# SPDX-License-Identifier: MIT
"""Rules see the bytes that they are about: the ring is made for them, or they are refused."""

from __future__ import annotations

from pathlib import Path

import fastqueue.run
import pytest
from fastqueue import Queue, QueueError, RingOptions, abi
from fastqueue.cli import main
from fastqueue.handlers import Payload
from fastqueue.room import HEADERS, fit
from fastqueue.rules.parser import parse_lines, split_lines
from fastqueue.rules.payload import parse_rule

from .fake_kernel import FakeKernel
from .packets import ipv4, ipv6, options_header, tcp, udp
from .test_cli import Interrupted


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[RingOptions]:
    """Have ``run`` open queues of a model; what it asked for is in the list."""
    asked: list[RingOptions] = []

    def open_queue(request: RingOptions) -> Queue:
        request.check()
        asked.append(request)
        return Queue(request, backend=Interrupted(request))

    monkeypatch.setattr(fastqueue.run, "Queue", open_queue)
    return asked


def payload(text: bytes) -> Payload:
    return Payload(parse_lines(split_lines("f", text), parse_rule))


@pytest.mark.parametrize(
    ("rules", "frames", "frame_size"),
    [
        ("default drop", 2048, 2048),
        ("drop /x/ first 1920", 2048, 2048),
        ("drop /x/ first 1921", 2048, 2112),
        ("drop /x/", 2048, 2176),
        ("drop /x/ first 20\ndrop /y/ first 4096\ndrop /z/ first 30", 1024, 4224),
        ("drop /x/ first 9000", 512, 9152),
        ("drop /x/ first 65535", 128, 65536),
    ],
)
def test_a_ring_is_as_large_as_its_rules_need(
    rules: str, frames: int, frame_size: int, requests: list[RingOptions], tmp_path: Path
) -> None:
    file = tmp_path / "rules"
    file.write_text(rules)
    assert main(["run", "payload", str(file)]) == 0
    assert (requests[0].frames, requests[0].frame_size) == (frames, frame_size)


@pytest.mark.parametrize(
    ("options", "rule", "said"),
    [
        (
            "--frame-size 2048",
            "drop /x/ first 4096",
            "first 4096 with --frame-size 2048, expected --frame-size 4224 or more, or first 1920 or less",
        ),
        (
            "--frame-size 2048",
            "drop /x/",
            "no first, which means first 2048 with --frame-size 2048, expected --frame-size 2176 or more"
            ", or first 1920 or less",
        ),
        (
            "--copy-range 148",
            "drop /x/ first 21",
            "first 21 with --copy-range 148, expected --copy-range 149 or more, or first 20 or less",
        ),
        (
            "--frame-size 2048 --copy-range 100",
            "drop /x/ first 1",
            "first 1 with --copy-range 100, expected --copy-range 129 or more",
        ),
        (
            "--frame-size 64",
            "drop /x/ first 65535",
            "first 65535 with --frame-size 64, expected --frame-size 65536 or more",
        ),
    ],
)
def test_rules_that_would_not_see_their_bytes_are_refused(
    options: str, rule: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the option to change, before the queue is opened."""
    file = tmp_path / "rules"
    file.write_text(f"# rules\n{rule}")
    for before, behind in ((options.split(), []), ([], options.split())):
        assert main(["run", *before, "payload", str(file), *behind]) == 2
        assert capsys.readouterr() == ("", f"{file}:2: found {said}\n")


def test_what_the_message_says_is_right(requests: list[RingOptions], tmp_path: Path) -> None:
    file = tmp_path / "rules"
    for options, rule in (
        ("--frame-size 4224", "4096"),
        ("--frame-size 2048", "1920"),
        ("--copy-range 149", "21"),
    ):
        file.write_text(f"drop /x/ first {rule}")
        assert main(["run", *options.split(), "payload", str(file)]) == 0
    assert [(one.frames, one.frame_size, one.copy_range) for one in requests] == [
        (2048, 4224, 0),
        (2048, 2048, 0),
        (2048, 2048, 149),
    ]


def test_ports_are_seen_by_five_tuple_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules"
    file.write_text("drop dport 53")
    assert main(["run", "--copy-range", "40", "fivetuple", str(file)]) == 2
    assert capsys.readouterr().err == f"{file}: found --copy-range 40, expected --copy-range 64 or more\n"


def test_a_ring_of_the_users_sizes_stays_as_it_is() -> None:
    request = RingOptions(0, frames=4096, frame_size=128)
    assert fit(request, 4000, size=False, frames=False) is request
    assert fit(request, 100, size=True, frames=True) is request
    assert fit(request, 4000, size=True, frames=False) == request._replace(frame_size=4032)


def test_programs_that_open_a_smaller_ring_are_told() -> None:
    handler = payload(b"drop /x/ first 512")
    assert handler.needs == 512 + HEADERS
    for request in (RingOptions(0, frame_size=512), RingOptions(0, copy_range=639)):
        with pytest.raises(
            QueueError, match=r"look at 640 bytes of a packet, of which the ring copies (512|639); take"
        ):
            handler.serve(Queue(request, backend=FakeKernel(request)))


RULES = b"accept /nothing/ first 4096\ndrop /^x/ first 1\ndefault accept"


@pytest.mark.parametrize(
    ("packet", "copied", "answer", "cut"),
    [
        (ipv4(udp(b"x" * 2000)), None, abi.ANSWER_DROP, 0),
        (ipv6(options_header(17, 400) + udp(b"x" * 2000), following=0), None, abi.ANSWER_DROP, 0),
        (ipv6(options_header(17, 400) + udp(b"x" * 4096), following=0), None, abi.ANSWER_DROP, 0),
        (ipv6(options_header(17, 400) + udp(b"x" * 4097), following=0), 448 + 4096, abi.ANSWER_DROP, 0),
        (ipv6(options_header(17, 400) + udp(b"x" * 4096), following=0), 448 + 4095, abi.ANSWER_ACCEPT, 1),
        (ipv6(options_header(17, 400) + udp(b"x" * 9), following=0), 448, abi.ANSWER_ACCEPT, 1),
        (ipv6(options_header(6, 400) + tcp(b"x" * 9), following=0), 448, abi.ANSWER_ACCEPT, 1),
        (ipv6(options_header(17, 400) + udp(), following=0), None, abi.ANSWER_ACCEPT, 0),
        (ipv4(udp(b"x" * 2000), fragment=0x0010), 1000, abi.ANSWER_ACCEPT, 0),
    ],
)
def test_packets_that_were_not_copied_far_enough_get_the_default_and_are_counted(
    packet: bytes, copied: int | None, answer: int, cut: int
) -> None:
    handler = payload(RULES)
    assert handler.decide(memoryview(packet)[:copied]) == answer
    assert handler.cut == cut


def test_packets_cut_short_are_told_at_the_end(
    requests: list[RingOptions],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Payload, "cut", 3, raising=False)
    monkeypatch.setattr(Payload, "__init__", lambda self, rules: self.__dict__.update(needs=0))
    file = tmp_path / "rules"
    file.write_text("default drop")
    assert main(["run", "payload", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("default action 0, cut short 3")
