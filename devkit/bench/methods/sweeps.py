# SPDX-License-Identifier: MIT
"""Steps of the sweeps: ring size, number of queues, and the paper's timer frequency."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from devkit.bench.methods import main_table
from devkit.bench.methods.saturation import Search
from devkit.bench.paths.catalogue import FASTQUEUE_C, PLAIN, TIMER_ONLY, PathSetting
from devkit.bench.schedule import Measure, Step
from devkit.bench.workload import loads
from devkit.bench.workload.traffic_source import run_checked
from devkit.bench.workload.veth_network import VethNetwork
from devkit.target.qemu import Target

RING_FRAMES = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
QUEUES = (1, 2, 4, 8, 16)
#: Sixteen rings of 2048 frames would not fit the target's memory.
QUEUE_FRAMES = 256

TIMER_FRAMES = (256, 1024, 4096)
#: Microseconds: 10 kHz to 100 Hz.
TIMER_PERIODS = (100, 200, 500, 1000, 2000, 5000, 10_000)


def ring_steps(runs: int, quick: bool) -> list[Step]:
    """Cost of a packet against the number of frames; it must stay flat."""
    sizes = RING_FRAMES[::2] if quick else RING_FRAMES
    measure = main_table.cost(loads.UDP_1400, runs)
    return [
        Step(f"ring/{frames}", PathSetting(FASTQUEUE_C, ("--frames", str(frames))), measure, runs)
        for frames in sizes
    ]


def queue_steps(runs: int, quick: bool) -> list[Step]:
    """Cost of a packet against the number of queues, each with a handler; bursts take them in turn."""
    numbers = QUEUES[::2] if quick else QUEUES
    load = replace(loads.UDP_1400, flows=64, warm_up=60 * 64)
    plain = Step("queues/0", PathSetting(PLAIN), main_table.cost(load, runs), runs)
    options = ("--frames", str(QUEUE_FRAMES))
    return [plain] + [
        Step(
            f"queues/{number}",
            PathSetting(FASTQUEUE_C, options, number),
            main_table.cost(load, runs),
            runs + number,
        )
        for number in numbers
    ]


def timer_steps(quick: bool) -> list[Step]:
    """Cost, latency and highest rate of the paper's timer-only mode, for frames and periods."""
    sizes = TIMER_FRAMES[::2] if quick else TIMER_FRAMES
    periods = TIMER_PERIODS[::2] if quick else TIMER_PERIODS
    return [
        Step(f"timer/{frames}/{period}", _timer(frames, period), _timer_measure(frames, period), 7)
        for frames in sizes
        for period in periods
    ]


def _timer(frames: int, period: int) -> PathSetting:
    return PathSetting(TIMER_ONLY, ("--frames", str(frames), "--period-us", str(period)))


def _timer_measure(frames: int, period: int) -> Measure:
    def measure(target: Target, bed: VethNetwork) -> dict[str, Any]:
        load = replace(loads.SWEEP, packets=8_000)
        latency = run_checked(target, bed, loads.SWEEP_LATENCY, period)
        search = Search(replace(load, packets=9_000), period, frames * 1e6 / period)
        return {
            "frames": frames,
            "period_us": period,
            "cost": run_checked(target, bed, load, period).record(),
            "latency": latency.record(),
            "saturation": search.run(target, bed),
        }

    return measure
