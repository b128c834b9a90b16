# SPDX-License-Identifier: MIT
"""One run of the traffic source inside the target, and what it found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from devkit.bench.workload.loads import Load
from devkit.bench.workload.veth_network import VethNetwork
from devkit.host.errors import KitError
from devkit.target.qemu import Target

_TIMEOUT = 300.0


@dataclass(frozen=True)
class SourceRun:
    """Packets and nanoseconds of the target's time; one nanosecond is one instruction.

    backlog: packets still inside one period after the last burst
    lag_ns:  how far behind time the source was after its last burst
    latency_ns: from sending to leaving, of each packet; empty where it was not measured
    """

    sent: int
    forwarded: int
    backlog: int
    lag_ns: int
    virtual_ns: int
    idle_ns: int
    latency_ns: tuple[int, ...] = ()

    @property
    def per_packet(self) -> float:
        """Instructions that the whole target spent, per packet: not counting idle time."""
        return (self.virtual_ns - self.idle_ns) / self.sent

    @property
    def busy(self) -> float:
        """Part of the time that the processor was not idle (0 to 1)."""
        return 1.0 - self.idle_ns / self.virtual_ns

    def carried(self, load: Load, timer_us: int = 0) -> bool:
        """Whether the target kept up: nothing lost, and the queue did not grow.

        Two bursts may be inside, and where packets leave on a timer what comes in two of its periods. The
        source may be as far behind: softirqs go before it.
        """
        allowed = 2 * load.burst + 2 * load.rate * timer_us / 1e6
        in_time = self.lag_ns <= 2000 * max(load.period_us, timer_us)
        return self.forwarded == self.sent and self.backlog <= allowed and in_time

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        shown = {name: value for name, value in vars(self).items() if name != "latency_ns"}
        return {**shown, "latency_ns": list(self.latency_ns)} if self.latency_ns else shown


def parse(text: str) -> SourceRun:
    """Read bench-source's line; KitError FQ-BENCH where it is none."""
    try:
        found = json.loads(text)
        return SourceRun(**{**found, "latency_ns": tuple(found.get("latency_ns", ()))})
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        remedy = "build kit and image from one commit: ./inv build"
        raise KitError("FQ-BENCH", f"bench-source printed no figures: {error}", remedy) from error


def run(target: Target, bed: VethNetwork, load: Load) -> SourceRun:
    """Send ``load`` once."""
    argv = ["bench-source", *bed.words(), *load.words()]
    return parse(target.run(argv, timeout=_TIMEOUT, quiet=True).output)


def run_checked(target: Target, bed: VethNetwork, load: Load, timer_us: int = 0) -> SourceRun:
    """Send ``load`` once; KitError FQ-BENCH where the target did not keep up with it."""
    found = run(target, bed, load)
    if not found.carried(load, timer_us):
        what = (
            f"the target did not carry {load.rate:.0f} packets/s: {found.forwarded} of {found.sent} "
            f"forwarded, {found.backlog} left behind, the source {found.lag_ns / 1000:.0f} us behind time"
        )
        raise KitError("FQ-BENCH", what, "a handler died, or the target became slower: see its kernel log")
    return found
