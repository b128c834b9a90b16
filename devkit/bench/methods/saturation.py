# SPDX-License-Identifier: MIT
"""The highest rate that the target carries without a loss: RFC 2544's throughput."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from devkit.bench.workload import traffic_source
from devkit.bench.workload.loads import Load
from devkit.bench.workload.veth_network import VethNetwork
from devkit.target.qemu import Target

#: The search ends when the period is known this well.
_RESOLUTION = 0.004


@dataclass
class Search:
    """Bisection of the period between bursts of ``load``.

    timer_us: of a sender that works on its timer only
    highest:  rate that cannot be exceeded, where it is known (packets/s)
    """

    load: Load
    timer_us: int = 0
    highest: float = 0.0
    trials: dict[int, bool] = field(default_factory=dict)

    def run(self, target: Target, bed: VethNetwork) -> dict[str, Any]:
        """Return the shortest period that was carried (us), its rate, and all trials."""
        self.trials = {}
        short, long = self._bounds(target, bed)
        while not self._passes(target, bed, long):
            short, long = long, int(long * 1.5)
        while long - short > max(1, _RESOLUTION * long):
            middle = (short + long) // 2
            if self._passes(target, bed, middle):
                long = middle
            else:
                short = middle
        return {
            "load": vars(self.load),
            "period_us": long,
            "packets_per_s": self.load.burst * 1e6 / long,
            "trials": [list(trial) for trial in self.trials.items()],
        }

    def _bounds(self, target: Target, bed: VethNetwork) -> tuple[int, int]:
        """Guess from the cost of a packet at a quarter of the load."""
        probe = traffic_source.run(target, bed, replace(self.load.slower(4), packets=self.load.packets // 4))
        period = probe.per_packet * self.load.burst / 1000
        if self.highest:
            period = max(period, self.load.burst * 1e6 / self.highest)
        return int(period * 0.6), int(period * 1.1) + 1

    def _passes(self, target: Target, bed: VethNetwork, period: int) -> bool:
        load = replace(self.load, period_us=period)
        self.trials[period] = traffic_source.run(target, bed, load).carried(load, self.timer_us)
        return self.trials[period]
