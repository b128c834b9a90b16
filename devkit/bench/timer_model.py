# SPDX-License-Identifier: MIT
"""A small analytic model of the paper's timer-only mode, and the setting that it predicts."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

from devkit.bench.progress import per_packet
from devkit.bench.results.results import Results
from devkit.bench.workload.loads import SWEEP
from devkit.host.errors import KitError

#: Instructions per second of the profiles p3-1g: a nanosecond each.
SPEED = 1e9
#: Bytes a frame beside its payload: metadata, answer, word and the kernel's own record.
FRAME_OVERHEAD = 96 + 16 + 4 + 12
LEAST_FRAMES, MOST_FRAMES = 8, 65_536
LEAST_FRAME_SIZE, MOST_FRAME_SIZE = 64, 65_536
SHORTEST_PERIOD_US, LONGEST_PERIOD_US = 50, 1_000_000


@dataclass(frozen=True)
class Model:
    """What the packets and the timer cost, from measurements.

    packet_cost:  instructions of the whole target per packet, without the timer's
    tick_cost:    instructions of each tick of the timer
    send_us:      part of a packet's time that the sender takes when it settles its frame

    The timer starts with the first packet of an empty ring. A burst can leave at the first tick that
    comes when the handler has answered it. Of the bursts that leave at one tick the first has waited
    longest. A ring passes at most its frames a period: what is too much for one tick of the sender goes
    on 50 µs later, whatever the period. A processor passes what packets and ticks cost.
    """

    packet_cost: float = 8_400.0
    tick_cost: float = 0.0
    send_us: float = 2.0

    @classmethod
    def fitted(cls, results: Results) -> Model:
        """Fit to the timer sweep by least squares; the defaults where there is none."""
        points = [raw for raw in map(results.raw, results.keys("timer/")) if raw]
        if len({raw["period_us"] for raw in points}) < 3:
            return cls()
        costs = [per_packet([raw["cost"]]).median for raw in points]
        first = cls(sum(costs) / len(costs))
        rounds = [first.round(raw["period_us"], SWEEP.rate, SWEEP.burst) for raw in points]
        tick_cost, packet_cost = _line([1 / one.packets for one in rounds], costs)
        if tick_cost < 0:  # ticks cost less than can be told from the rest
            tick_cost, packet_cost = 0.0, first.packet_cost
        beyond = [mean_latency(raw) - one.wait_us for raw, one in zip(points, rounds, strict=True)]
        # latency beyond the wait: settling those before it, less the burst's own arrival until it
        send = [(left + SWEEP.burst / 2 * packet_cost * 1e6 / SPEED) / ((one.packets + SWEEP.burst) / 2)
                for left, one in zip(beyond, rounds, strict=True)]  # fmt: skip
        return cls(packet_cost, tick_cost, min(max(0.0, statistics.median(send)), 1e6 * packet_cost / SPEED))

    @property
    def receive_us(self) -> float:
        """Part of a packet's time until the handler has answered it."""
        return 1e6 * self.packet_cost / SPEED - self.send_us

    def round(self, period_us: float, rate: float, burst: int) -> Round:
        """Return what a tick settles under ``rate`` packets/s in bursts."""
        return Round.of(period_us, burst * 1e6 / rate, burst, burst * self.receive_us)

    def latency_us(self, period_us: float, rate: float, burst: int) -> float:
        """Mean latency of ``rate`` packets/s that come in bursts."""
        one = self.round(period_us, rate, burst)
        return max(0.0, one.wait_us - self.receive_us * burst / 2 + self.send_us * one.packets / 2)

    def worst_us(self, period_us: float, burst: int) -> float:
        """Longest latency: a burst that was answered just after a tick waits for the next."""
        handled = burst * self.receive_us
        return period_us * max(1, math.ceil(handled / period_us)) + handled + self.send_us * burst

    def highest_rate(self, period_us: float, frames: int) -> float:
        """Packets per second that pass without a loss: the smaller of ring's and processor's limit."""
        ring = frames * 1e6 / period_us
        ticks = 1e6 / period_us * self.tick_cost
        return min(ring, max(0.0, SPEED - ticks) / self.packet_cost)

    def cpu(self, period_us: float, rate: float, burst: int) -> float:
        """Part of the processor (0 to 1, more if it cannot) that the load takes."""
        one = self.round(period_us, rate, burst)
        return rate * (self.packet_cost + self.tick_cost / one.packets) / SPEED


def mean_latency(raw: dict[str, Any]) -> float:
    """Measured mean of a point of the timer sweep, in µs."""
    return statistics.fmean(raw["latency"]["latency_ns"]) / 1000


@dataclass(frozen=True)
class Round:
    """From a timer's start to the tick that settles: packets of that tick, and the mean wait of bursts."""

    packets: float
    wait_us: float

    @classmethod
    def of(cls, period_us: float, gap_us: float, burst: int, handled_us: float) -> Round:
        """Bursts come every ``gap_us`` and are answered ``handled_us`` later; the first starts the timer."""
        tick = period_us * max(1, math.ceil(handled_us / period_us))
        bursts = int((tick - handled_us) / gap_us) + 1
        return cls(bursts * burst, tick - (bursts - 1) * gap_us / 2)


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
    shortest = max(SHORTEST_PERIOD_US, math.ceil(burst * model.receive_us))
    least = model.worst_us(shortest, burst)
    if latency_us < least:
        what = f"a timer cannot keep {latency_us:.0f} µs with bursts of {burst}: at least {least:.0f}"
        remedy = "a smaller --burst; without --timer-only the handler is woken at once"
        raise KitError("FQ-TUNE", what, remedy)
    # A tick before the burst is answered settles nothing; from there on latency grows as the period does.
    period = min(LONGEST_PERIOD_US, shortest + int(latency_us - least))
    size = frame_size + FRAME_OVERHEAD
    room = min(MOST_FRAMES, 1 << int(math.log2(max(memory // size, 1))))
    wanted = 2 * rate * period / 1e6 + burst
    if wanted > room:
        period = int((room - burst) / (2 * rate) * 1e6)
    frames = min(room, _power_of_two(wanted))
    late = period >= SHORTEST_PERIOD_US and model.worst_us(period, burst) > latency_us
    if period < SHORTEST_PERIOD_US or late or frames < LEAST_FRAMES:
        what = f"{frames} frames ({memory} bytes, at most {MOST_FRAMES}) are too few for {rate:.0f} packets/s"
        raise KitError("FQ-TUNE", what, "more memory, smaller frames (--frame-size), or fewer packets")
    cpu = model.cpu(period, rate, burst)
    if cpu > 1:
        what = f"{rate:.0f} packets/s need {cpu:.0%} of the processor"
        raise KitError("FQ-TUNE", what, f"at most {model.highest_rate(period, frames):.0f} packets/s")
    mean, worst = model.latency_us(period, rate, burst), model.worst_us(period, burst)
    return Advice(period, frames, frames * size, cpu, mean, worst)


def _power_of_two(number: float) -> int:
    return min(MOST_FRAMES, max(LEAST_FRAMES, 1 << math.ceil(math.log2(max(number, 1)))))


def _line(xs: list[float], ys: list[float]) -> tuple[float, float]:
    """Slope and offset of the line through points, by least squares."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    slope /= sum((x - mean_x) ** 2 for x in xs)
    return slope, mean_y - slope * mean_x
