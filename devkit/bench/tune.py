# SPDX-License-Identifier: MIT
"""A small analytic model of the paper's timer-only mode, and the setting that it predicts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from devkit.bench.loads import SWEEP
from devkit.bench.progress import per_packet
from devkit.bench.results import Results
from devkit.bench.spread import quantile
from devkit.errors import KitError

#: Instructions per second of the profiles p3-1g: a nanosecond each.
SPEED = 1e9
#: Bytes a frame beside its payload: metadata, answer, word and the kernel's own record.
FRAME_OVERHEAD = 96 + 16 + 4 + 12
#: Frames that the sender settles in one tick at most (kmod/sender.c).
TICK_FRAMES = 512
LEAST_FRAMES, MOST_FRAMES = 8, 65_536
SHORTEST_PERIOD_US, LONGEST_PERIOD_US = 50, 1_000_000


@dataclass(frozen=True)
class Model:
    """What the packets and the timer cost, from measurements.

    packet_cost:  instructions of the whole target per packet, without the timer's
    tick_cost:    instructions of each tick of the timer
    send_us:      time to settle one frame, for which those behind it wait
    base_us:      latency that is none of these

    The timer starts with the first packet of an empty ring and stops when the ring is empty again, so
    there is no more than one tick a burst. Of the bursts that come in one period the first waits for a
    whole period, the last hardly at all. A ring passes at most its frames a period, and the sender
    TICK_FRAMES; a processor what packets and ticks cost.
    """

    packet_cost: float = 8_400.0
    tick_cost: float = 3_000.0
    send_us: float = 5.0
    base_us: float = 0.0

    @classmethod
    def fitted(cls, results: Results) -> Model:
        """Fit to the timer sweep by least squares; the defaults where there is none."""
        points = [raw for raw in map(results.raw, results.keys("timer/")) if raw]
        if len({raw["period_us"] for raw in points}) < 3:
            return cls()
        rounds = [Round.of(raw["period_us"], SWEEP.rate, SWEEP.burst) for raw in points]
        ticks = [1 / one.packets for one in rounds]
        tick_cost, packet_cost = _line(ticks, [per_packet([raw["cost"]]).median for raw in points])
        medians = [quantile(raw["latency"]["latency_ns"], 0.5) / 1000 for raw in points]
        beyond = [median - one.wait_us for median, one in zip(medians, rounds, strict=True)]
        send, base = _line([one.packets / 2 for one in rounds], beyond)
        return cls(packet_cost, max(0.0, tick_cost), max(0.0, send), base)

    def latency_us(self, period_us: float, rate: float, burst: int) -> float:
        """Mean latency of ``rate`` packets/s that come in bursts."""
        one = Round.of(period_us, rate, burst)
        return max(0.0, one.wait_us + self.send_us * one.packets / 2 + self.base_us)

    def worst_us(self, period_us: float, burst: int) -> float:
        """Longest latency: a whole period, and the burst that came with the packet goes first."""
        return period_us + self.send_us * burst + max(0.0, self.base_us)

    def highest_rate(self, period_us: float, frames: int) -> float:
        """Packets per second that pass without a loss: the smaller of ring's and processor's limit."""
        ring = min(frames, TICK_FRAMES) * 1e6 / period_us
        ticks = 1e6 / period_us * self.tick_cost
        return min(ring, max(0.0, SPEED - ticks) / self.packet_cost)

    def cpu(self, period_us: float, rate: float, burst: int) -> float:
        """Part of the processor (0 to 1, more if it cannot) that the load takes."""
        one = Round.of(period_us, rate, burst)
        return rate * (self.packet_cost + self.tick_cost / one.packets) / SPEED


@dataclass(frozen=True)
class Round:
    """From a timer's start to its tick: packets settled by it, and how long they wait on average."""

    packets: float
    wait_us: float

    @classmethod
    def of(cls, period_us: float, rate: float, burst: int) -> Round:
        """``rate`` packets/s come in bursts; the first burst starts the timer."""
        gap = burst * 1e6 / rate
        bursts = int(period_us / gap) + 1
        return cls(bursts * burst, period_us - (bursts - 1) * gap / 2)


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
    period = _longest_period(model, latency_us, burst)
    if period < SHORTEST_PERIOD_US:
        least = model.worst_us(SHORTEST_PERIOD_US, burst)
        what = f"a timer cannot keep {latency_us:.0f} µs: at least {least:.0f}"
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
    cpu = model.cpu(period, rate, burst)
    if cpu > 1:
        what = f"{rate:.0f} packets/s need {cpu:.0%} of the processor"
        raise KitError("FQ-TUNE", what, f"at most {model.highest_rate(period, frames):.0f} packets/s")
    mean, worst = model.latency_us(period, rate, burst), model.worst_us(period, burst)
    return Advice(period, frames, frames * size, cpu, mean, worst)


def _longest_period(model: Model, latency_us: float, burst: int) -> int:
    """Return the longest period whose worst latency is within bounds, or one that is too short."""
    low, high = SHORTEST_PERIOD_US - 1, LONGEST_PERIOD_US
    while high - low > 1:
        middle = (low + high) // 2
        if model.worst_us(middle, burst) <= latency_us:
            low = middle
        else:
            high = middle
    return low


def _power_of_two(number: float) -> int:
    return min(MOST_FRAMES, max(LEAST_FRAMES, 1 << math.ceil(math.log2(max(number, 1)))))


def _line(xs: list[float], ys: list[float]) -> tuple[float, float]:
    """Slope and offset of the line through points, by least squares."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    slope /= sum((x - mean_x) ** 2 for x in xs)
    return slope, mean_y - slope * mean_x
