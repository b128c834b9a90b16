# SPDX-License-Identifier: MIT
from collections.abc import Callable

import pytest

from devkit.bench.results.results import Results
from devkit.bench.timer_model import Advice, Model, Round, advise
from devkit.commands import bench
from devkit.host.errors import KitError

Make = Callable[..., Results]

MODEL = Model(packet_cost=8_000, tick_cost=2_000, send_us=2)


def test_bursts_of_one_period_wait_less_and_less() -> None:
    alone = Round.of(500, 1_000, 20, 120)
    assert (alone.packets, alone.wait_us) == (20, 500)
    three = Round.of(2_500, 1_000, 20, 120)
    assert (three.packets, three.wait_us) == (60, 1_500)


def test_a_burst_leaves_at_the_first_tick_after_its_answers() -> None:
    assert Round.of(100, 1_000, 20, 120).wait_us == 200
    late = Round.of(2_100, 1_000, 20, 120)
    assert late.packets == 40  # the third came just before the tick


def test_latency_is_the_wait_less_arriving_and_settling() -> None:
    assert MODEL.receive_us == pytest.approx(6)
    assert MODEL.latency_us(500, 20_000, 20) == pytest.approx(500 - 60 + 20)
    assert MODEL.worst_us(500, 20) == pytest.approx(500 + 120 + 40)
    assert MODEL.worst_us(100, 20) == pytest.approx(200 + 120 + 40)


def test_the_rate_ends_at_the_ring_or_the_processor() -> None:
    assert MODEL.highest_rate(1_000, 64) == 64_000
    assert MODEL.highest_rate(10_000, 1_024) == 102_400
    assert MODEL.highest_rate(1_000, 65_536) == pytest.approx((1e9 - 2e6) / 8_000)


def advice(rate: float, latency: float, memory: int = 16_000_000) -> Advice:
    return advise(MODEL, rate, latency, burst=20, memory=memory)


def test_advice_keeps_the_latency_and_holds_two_periods() -> None:
    found = advice(20_000, 1_000)
    assert found.worst_us <= 1_000
    assert found.period_us > 800
    assert found.frames >= 2 * 20_000 * found.period_us / 1e6 + 20
    assert found.frames & (found.frames - 1) == 0
    assert 0.16 < found.cpu < 0.2


def test_little_memory_makes_the_period_shorter() -> None:
    found = advice(20_000, 10_000, memory=300_000)
    assert found.memory <= 300_000
    assert found.period_us < advice(20_000, 10_000).period_us


@pytest.mark.parametrize("latency", [181, 300, 310, 359, 360, 361, 1_000])
def test_the_period_is_the_longest_that_keeps_the_latency(latency: int) -> None:
    """Below a burst's own 120 µs the longest latency rises and falls with the period."""
    kept = [period for period in range(50, 2_000) if MODEL.worst_us(period, 20) <= latency]
    if kept:
        assert advice(20_000, latency).period_us == max(kept)
    else:
        least = min(MODEL.worst_us(period, 20) for period in range(50, 2_000))
        with pytest.raises(KitError, match=f"at least {least:.0f}"):
            advice(20_000, latency)


def test_the_largest_ring_there_is_bounds_the_period_too() -> None:
    found = advice(100_000, 1_000_000, memory=10**9)
    assert found.frames == 65_536
    assert found.frames >= 2 * 100_000 * found.period_us / 1e6 + 20


def test_a_period_that_memory_makes_shorter_keeps_the_latency() -> None:
    late = []
    for memory in range(8_000, 80_000, 500):
        try:
            late.append(advice(200_000 / 8, 280, memory=memory).worst_us > 280)
        except KitError as error:
            assert "too few" in str(error)
    assert late
    assert not any(late)


@pytest.mark.parametrize(
    ("rate", "latency", "memory", "words"),
    [
        (20_000, 60, 16_000_000, "cannot keep"),
        (2e6, 1_000, 160_000_000, "of the processor"),
        (20_000, 1_000, 9, "too few"),
    ],
)
def test_what_cannot_be_is_told(rate: float, latency: float, memory: int, words: str) -> None:
    with pytest.raises(KitError, match=words) as caught:
        advice(rate, latency, memory)
    assert caught.value.code == "FQ-TUNE"


@pytest.mark.parametrize("size", [10, 1_000, 100_032])
def test_a_frame_that_no_ring_has_is_told(size: int) -> None:
    with pytest.raises(KitError) as caught:
        bench.advise(load=20_000, latency=1_000, burst=20, frame_size=size, memory=16)
    assert caught.value.code == "FQ-ARGUMENT"


def test_the_model_is_fitted_to_the_sweep(results: Make) -> None:
    fitted = Model.fitted(results())
    assert fitted.packet_cost == pytest.approx(8_400)
    assert fitted.receive_us + fitted.send_us == pytest.approx(8.4)
    assert fitted != Model()
