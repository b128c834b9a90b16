# SPDX-License-Identifier: MIT
from __future__ import annotations

import errno

import pytest

from devkit.flash import transfer_progress
from devkit.flash.sizes import human
from devkit.flash.transfer_progress import Meter, duration


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_rate_and_time_left(clock: Clock) -> None:
    one = Meter(100_000_000, clock)
    clock.now += 2
    one.advance(20_000_000)
    assert one.rate == 10_000_000
    assert one.left == 8
    assert one.line() == "20.0 MB of 100.0 MB  20 %  10.0 MB/s  8 s left"


def test_nothing_is_known_at_the_begin(clock: Clock) -> None:
    one = Meter(1000, clock)
    assert one.left is None
    assert one.line() == "0 bytes of 1.0 kB  0 %  0 bytes/s"


def test_the_rate_is_that_of_late(clock: Clock) -> None:
    one = Meter(10**9, clock)
    for _ in range(100):
        clock.now += 1
        one.advance(10**6)
    for _ in range(20):
        clock.now += 1
        one.advance(10**5)
    assert one.rate == pytest.approx(10**5)


def test_summary(clock: Clock) -> None:
    one = Meter(5_000_000, clock)
    clock.now += 2.5
    one.advance(5_000_000)
    assert one.summary() == "5.0 MB  2.5 s  2.0 MB/s"


def test_a_line_every_five_seconds(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(transfer_progress.Meter.__init__, "__defaults__", (clock,))
    with transfer_progress.phase("write /dev/sdb", 12_000_000) as advance:
        for _ in range(12):
            clock.now += 1
            advance(1_000_000)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "… write /dev/sdb  5.0 MB of 12.0 MB  41 %  1.0 MB/s  7 s left",
        "… write /dev/sdb  10.0 MB of 12.0 MB  83 %  1.0 MB/s  2 s left",
        "✓ write /dev/sdb  12.0 MB  12.0 s  1.0 MB/s",
    ]


def test_what_fails_says_how_far_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), transfer_progress.phase("write", 2_000_000) as advance:
        advance(1_000_000)
        raise KeyboardInterrupt
    assert capsys.readouterr().out.startswith("✗ write  1.0 MB of 2.0 MB  50 %")


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (7_948_206_080, "7.9 GB"), (4 * 10**12, "4.0 TB")],
)
def test_sizes(size: int, said: str) -> None:
    assert human(size) == said


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "0 s"), (59.4, "59 s"), (61, "1 min 01 s")])
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(errno.ENOSPC, "full"), SystemExit(1)])
def test_a_transfer_goes_on_where_nobody_listens(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def deaf(text: str) -> None:
        raise error

    monkeypatch.setattr(transfer_progress, "say", deaf)
    monkeypatch.setattr(transfer_progress, "EVERY", 0.0)
    done = 0
    with transfer_progress.phase("write", 2) as advance:
        for _ in range(2):
            advance(1)
            done += 1
    assert done == 2
