# SPDX-License-Identifier: MIT
"""Ids of the compatibility library's packets: whatever is answered, and however rings are exchanged.

nfnetlink_queue counts packets from 1, and a verdict finds its packet by that; the library keeps to it while
frames move. compat_ring.c is its code on a model of the kernel's side.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .compat_programs import ask, build

HERE = Path(__file__).parent
NATIVE = HERE.parents[2] / "native"
PARTS = (
    *(
        NATIVE / f"nfqueue-compat/{name}.c"
        for name in ("frames", "pace", "verdict", "rebuild", "lock", "callback", "original", "overlay")
    ),
    *(NATIVE / f"libfastqueue/{name}.c" for name in ("ring", "verdict", "mmap", "empty")),
)
ENOENT, EINVAL, EBUSY = -2, -22, -16

_ids = st.one_of(st.integers(1, 9), st.integers(0, 40))
#: Also with bits that a verdict may have beside its number: an error, a queue, bypass (0x8000).
_BITS = (0xFFFF0000, 0x8001, 0x8000, 0x8004, 0x10004, 0x70003, 0x78003, 0x90003, 0x98003, 0x58001)
_verdicts = st.sampled_from([0, 1, 1, 1, 2, 4, *_BITS])
_rings = st.tuples(st.sampled_from([8, 16, 32, 64]), st.sampled_from([2048, 4096, 65536]))
_line = st.one_of(
    st.just("next"),
    st.sampled_from([40, 1500, 2048, 2049, 9000, 65000]).map("publish {}".format),
    st.tuples(_ids, _verdicts).map(lambda pair: "verdict {} {}".format(*pair)),
    st.tuples(_ids, _verdicts).map(lambda pair: "batch {} {}".format(*pair)),
    st.tuples(_ids, st.sampled_from([20, 1400, 3000, 20000])).map(lambda pair: "payload {} {}".format(*pair)),
    _rings.map(lambda pair: "exchange {} {}".format(*pair)),
    _rings.map(lambda pair: "hold {} {}".format(*pair)),
    st.just("settled"),
)
#: Counts of the first frame: they wrap, in the end.
_starts = st.sampled_from([0, 0, (1 << 31) - 4, (1 << 32) - 4])
#: Often enough that there are packets, and that they are taken.
_lines = st.lists(st.one_of(_line, st.just("publish 100"), st.just("next")), max_size=80)


def translated(verdict: int) -> int:
    """Return what becomes of a packet; queue 7 has a handler, all others have none."""
    number, rest = verdict & 0xFF, verdict >> 8
    if number == 4 and rest:  # to nf_reinject() not NF_REPEAT, nor anything else that lets a packet go on
        return 0
    bypassed = number == 3 and verdict & 0x8000 and verdict >> 16 != 7
    return 1 if bypassed else number


#: Frames of the smallest ring.
_FRAMES_MIN = 8


class Model:
    """What NFQUEUE would do."""

    def __init__(self) -> None:
        self.lengths: list[int] = []  # of the packets that came
        self.waiting: set[int] = set()  # ids without an answer
        self.taken = 0  # last id that was handed out
        self.answered: dict[int, tuple[int, int]] = {}  # verdicts that have not left

    def publish(self, length: int, answer: str) -> None:
        assert answer in {"done", "full"}
        if answer == "full":
            # the ring ends behind the last frame before the oldest packet that has not left
            oldest = min(self.waiting | self.answered.keys())
            assert len(self.lengths) - oldest + 1 >= _FRAMES_MIN
            return
        self.lengths.append(length)
        self.waiting.add(len(self.lengths))

    def next(self, answer: str) -> None:
        there = sorted(number for number in self.waiting if number > self.taken)
        if not there:
            assert answer == "none"
            return
        self.taken = there[0]
        assert answer == f"{self.taken} {self.taken - 1} {self.lengths[self.taken - 1]}"

    def hold(self, answer: str) -> None:
        if answer == "none":
            self.next(answer)
            return
        packet, error, seen = answer.rsplit(" ", 2)
        self.next(packet)
        assert int(error) in {0, EBUSY}
        assert int(seen) == self.taken - 1

    def verdict(self, number: int, wanted: int, length: int | None, answer: str) -> None:
        verdict = translated(wanted)
        if verdict == 2:
            assert int(answer) == EINVAL
        elif number not in self.waiting or number > self.taken:
            assert int(answer) == ENOENT
        else:
            assert int(answer) == 0
            self._settle(number, verdict, length)

    def batch(self, number: int, wanted: int, answer: str) -> None:
        verdict = translated(wanted)
        all_of_them = [each for each in self.waiting if each <= number]
        if verdict == 2:
            assert int(answer) == EINVAL
        elif not all_of_them:
            assert int(answer) == ENOENT
        else:
            assert int(answer) == 0
            for each in all_of_them:
                self._settle(each, verdict, None)

    def settled(self, answer: str) -> None:
        left = sorted(
            f"{number - 1}:{verdict}:{length}" for number, (verdict, length) in self.answered.items()
        )
        assert sorted(answer.split()) == left
        self.answered.clear()

    def _settle(self, number: int, verdict: int, length: int | None) -> None:
        self.waiting.remove(number)
        self.answered[number] = (verdict, self.lengths[number - 1] if length is None else length)


def replay(model: Model, line: str, answer: str) -> None:
    """Have the model do a line, and compare."""
    word, *values = line.split()
    numbers = [int(value) for value in values]
    match word:
        case "publish":
            model.publish(numbers[0], answer)
        case "next":
            model.next(answer)
        case "hold":
            model.hold(answer)
        case "verdict":
            model.verdict(numbers[0], numbers[1], None, answer)
        case "payload":
            model.verdict(numbers[0], 1, numbers[1], answer)
        case "batch":
            model.batch(numbers[0], numbers[1], answer)
        case "exchange":
            assert int(answer) in {0, EBUSY}
        case _:
            model.settled(answer)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("compat") / "ring", HERE / "compat_ring.c", *PARTS)


#: Packets 3 and 5 are out when the ring is exchanged; then one of those between or beside them is named.
_GAPS = [*["publish 100", "next"] * 6, "verdict 1 1", "verdict 2 1", "verdict 4 0", "exchange 16 4096"]


#: Packet 1 is out when the ring is exchanged; then a new one comes.
_NEW = ["publish 100", "next", "exchange 8 2048", "publish 100", "next"]


@example(start=0, lines=[*_NEW, "verdict 0 0", "verdict 5 0", "verdict 1 0", "verdict 1 0"])
@example(start=0, lines=[*_GAPS, "publish 100", "next", "verdict 4 0", "verdict 1 0", "payload 2 20"])
@example(start=0, lines=[*["publish 100"] * 8, "next", "next", "verdict 2 1", "settled", "publish 100"])
@example(start=0, lines=[*_GAPS, "batch 3 1", "settled", "batch 4 1", "batch 5 0"])
@example(start=0, lines=[*_GAPS, "batch 4 1", "settled", "verdict 3 1", "verdict 6 1", "publish 100", "next"])
@example(
    start=0, lines=[*_GAPS, "verdict 5 1", "hold 8 2048", "publish 9000", "hold 16 2048", "payload 7 20000"]
)
@example(
    start=0, lines=[*["publish 100"] * 4, "batch 4 1", "settled", *["publish 100"] * 8, "next", "verdict 5 1"]
)
@example(start=0, lines=[*["publish 100"] * 8, "batch 2 1", "next", "batch 3 1"])
@settings(max_examples=300)
@given(start=_starts, lines=_lines)
def test_verdicts_find_their_packets(program: Path, start: int, lines: list[str]) -> None:
    script = [*lines, "settled"]
    answers = ask(program, [f"start {start}", *script])[1:]
    model = Model()
    for line, answer in zip(script, answers, strict=True):
        replay(model, line, answer)


@pytest.mark.parametrize("lost", range(1, 7))
def test_no_verdict_reaches_another_packet_when_some_leave_during_an_exchange(
    program: Path, lost: int
) -> None:
    """Of six packets three are out; the oldest leave meanwhile, as they do when an interface goes."""
    before = [*["publish 100"] * 6, *["next"] * 3, f"lose {lost}", "exchange 16 4096", "settled"]
    after = [*["publish 100"] * 2, *[f"verdict {number} 1" for number in range(1, 7)], "settled"]
    answers = ask(program, [*before, *after, *["next"] * 6])
    suspect = min(lost + 3, 6)
    assert answers[len(before) - 1].split() == [f"{serial}:0:100" for serial in range(lost, suspect)]
    assert answers[len(before) + 2 : len(before) + 9] == [*[str(ENOENT)] * 6, ""]
    seen = [answer.split() for answer in answers[-6:] if answer != "none"]
    assert [int(serial) for _, serial, _ in seen] == list(range(suspect, 8))
    assert all(int(number) > 6 for number, _, _ in seen)


def kicks(program: Path, lines: list[str]) -> int:
    """Return how often the sender was asked while ``lines`` were done."""
    *_, last = ask(program, [*lines, "kicks"])
    return int(last)


def test_packets_that_wait_to_be_read_cost_no_search(program: Path) -> None:
    full = ["exchange 64 2048", *["publish 100"] * 64]
    before = kicks(program, full)
    assert kicks(program, [*full, *["next"] * 15]) == before


def test_packets_that_are_held_are_searched_now_and_then(program: Path) -> None:
    full = ["exchange 64 2048", *["publish 100"] * 64]
    before = kicks(program, full)
    searches = kicks(program, [*full, *["next"] * 64]) - before
    assert 0 < searches <= 64 // 4


def test_one_packet_without_an_answer_does_not_end_the_ring(program: Path) -> None:
    through = [line for number in range(2, 400) for line in ("publish 100", "next", f"verdict {number} 1")]
    answers = ask(program, ["exchange 64 2048", "publish 100", "next", *through])
    assert "full" not in answers
    assert answers[-2].split()[0] == "399"


def periods(program: Path, numbers: list[int]) -> list[int]:
    """Return the period, in ms, when so many packets are out, one number after the other."""
    lines, out, serial = ["exchange 8192 2048"], 0, 0
    for number in numbers:
        lines += ["publish 100"] * (number - out)
        if number < out:
            lines += ["next"] * (out - number)
            lines += [f"batch {serial + out - number} 1", "settled"]
            serial += out - number
        out = number
        lines += ["publish 100", "next", "period"]
        out += 1
    answers = ask(program, lines)
    return [int(answer) // 1000 for line, answer in zip(lines, answers, strict=True) if line == "period"]


def test_the_more_packets_are_out_the_more_rarely_the_timer_comes(program: Path) -> None:
    assert periods(program, [1, 100, 500, 600, 1100, 3000, 8000]) == [2, 2, 2, 4, 8, 16, 16]


def test_a_period_holds_until_packets_are_half_or_double(program: Path) -> None:
    assert periods(program, [600, 300, 900]) == [4, 4, 4]
    assert periods(program, [3000, 1100, 900, 600, 100, 5]) == [16, 16, 8, 8, 2, 2]


def test_a_queue_refuses_what_comes_from_then_on(program: Path) -> None:
    """Packets that were there before are delivered; those that came meanwhile never are."""
    refusing = ["mode 0", "publish 100", "next", "exchange 16 4096", "next", "next"]
    lines = [
        *["publish 100"] * 3,
        "next",
        *refusing,
        "publish 100",
        "mode 2",
        "publish 100",
        "next",
        "settled",
    ]
    answers = ask(program, lines)
    assert [answer for answer in answers if answer not in {"done", "0"}] == [
        "1 0 100", "2 1 100", "3 2 100", "none", "6 5 100", "3:0:100 4:0:100 "
    ]  # fmt: skip


def test_refused_packets_count_as_answered_by_batches(program: Path) -> None:
    refused = [line for _ in range(10) for line in (*["publish 100"] * 8, "next", "settled")]
    assert int(ask(program, ["mode 0", *refused, "behind"])[-1]) <= _FRAMES_MIN
