# SPDX-License-Identifier: MIT
"""A small analytic model of the paper's timer-only mode, and the setting that it predicts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from devkit.bench.progress import per_packet
from devkit.bench.results import Results
from devkit.bench.spread import quantile
from devkit.errors import KitError

#: Instructions per second of the profiles p3-1g: a nanosecond each.
SPEED = 1e9
#: Bytes a frame beside its payload: metadata, answer, word and the kernel's own record.
FRAME_OVERHEAD = 96 + 16 + 4 + 12
LEAST_FRAMES, MOST_FRAMES = 8, 65_536
SHORTEST_PERIOD_US, LONGEST_PERIOD_US = 50, 1_000_000


@dataclass(frozen=True)
class Model:
    """What the packets and the timer cost, from measurements.

    packet_cost:  instructions of the whole target per packet, without the timer's
    tick_cost:    instructions of each tick of the timer
    base_us:      latency that is not the wait for the timer

    A packet waits for the next tick: on average half a period, a whole one at worst. All frames are
    settled once a period, so a ring passes at most its frames a period; and a processor spends what
    packets and ticks cost.
    """

    packet_cost: float = 8_000.0
    tick_cost: float = 3_000.0
    base_us: float = 15.0

    @classmethod
    def fitted(cls, results: Results) -> Model:
        """Fit to the timer sweep by least squares; the defaults where there is none."""
        points = [raw for raw in map(results.raw, results.keys("timer/")) if raw]
        if len({raw["period_us"] for raw in points}) < 2:
            return cls()
        # the paced load has one rate: cost a packet = packet_cost + tick_cost * ticks a packet
        rate = [raw["cost"]["sent"] / raw["cost"]["virtual_ns"] * 1e9 for raw in points]
        ticks = [1e6 / raw["period_us"] / each for raw, each in zip(points, rate, strict=True)]
        slope, offset = _line(ticks, [per_packet([raw["cost"]]).median for raw in points])
        waits = [quantile(raw["latency"]["latency_ns"], 0.5) / 1000 - raw["period_us"] / 2 for raw in points]
        return cls(offset, slope, max(0.0, sorted(waits)[len(waits) // 2]))

    def latency_us(self, period_us: float) -> float:
        """Median latency."""
        return self.base_us + period_us / 2

    def worst_us(self, period_us: float) -> float:
        """Longest latency, below saturation."""
        return self.base_us + period_us

    def highest_rate(self, period_us: float, frames: int) -> float:
        """Packets per second that pass without a loss: the smaller of ring's and processor's limit."""
        ring = frames * 1e6 / period_us
        ticks = 1e6 / period_us * self.tick_cost
        return min(ring, max(0.0, SPEED - ticks) / self.packet_cost)

    def cpu(self, rate: float, period_us: float) -> float:
        """Part of the processor (0 to 1, more if it cannot) that ``rate`` packets/s take."""
        return (rate * self.packet_cost + 1e6 / period_us * self.tick_cost) / SPEED


@dataclass(frozen=True)
class Advice:
    """A setting for a load: options of a handler, and what to expect."""

    period_us: int
    frames: int
    memory: int  # bytes
    cpu: float
    latency_us: float
    worst_us: float


def advise(
    model: Model, rate: float, latency_us: float, *, frame_size: int = 2048, burst: int = 1, memory: int
) -> Advice:
    """Choose the longest period whose worst latency is within ``latency_us``, and a ring for it.

    rate in packets/s; ``burst`` packets may come at once; ``memory`` bounds the ring (bytes). The ring
    holds what comes in two periods. KitError FQ-TUNE where no setting does.
    """
    period = min(LONGEST_PERIOD_US, int(latency_us - model.base_us))
    if period < SHORTEST_PERIOD_US:
        what = f"a timer cannot keep {latency_us:.0f} µs: at least {model.worst_us(SHORTEST_PERIOD_US):.0f}"
        raise KitError("FQ-TUNE", what, "without --timer-only the handler is woken at once")
    size = frame_size + FRAME_OVERHEAD
    room = 1 << int(math.log2(max(memory // size, 1)))
    frames = _power_of_two(2 * rate * period / 1e6 + burst)
    if frames > room:
        frames = room
        period = int((frames - burst) / (2 * rate) * 1e6)
    if period < SHORTEST_PERIOD_US or frames < LEAST_FRAMES:
        what = f"{memory} bytes are too few for {rate:.0f} packets/s"
        raise KitError("FQ-TUNE", what, "more memory, smaller frames (--frame-size), or fewer packets")
    cpu = model.cpu(rate, period)
    if cpu > 1:
        what = f"{rate:.0f} packets/s need {cpu:.0%} of the processor"
        raise KitError("FQ-TUNE", what, f"at most {model.highest_rate(period, frames):.0f} packets/s")
    return Advice(period, frames, frames * size, cpu, model.latency_us(period), model.worst_us(period))


def _power_of_two(number: float) -> int:
    return min(MOST_FRAMES, max(LEAST_FRAMES, 1 << math.ceil(math.log2(max(number, 1)))))


def _line(xs: list[float], ys: list[float]) -> tuple[float, float]:
    """Slope and offset of the line through points, by least squares."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    slope /= sum((x - mean_x) ** 2 for x in xs)
    return slope, mean_y - slope * mean_x
