# SPDX-License-Identifier: MIT
"""What bench.json says, as figures: cost, own cost, latency, saturation, streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from devkit.bench.paths.catalogue import ALL, PLAIN, Row
from devkit.bench.progress import per_packet
from devkit.bench.results import nic_results as figures
from devkit.bench.results.sample_stats import Spread, quantile
from devkit.bench.workload.loads import TCP


@dataclass(frozen=True)
class Latency:
    """From sending to leaving, in microseconds of the target's time."""

    median: float
    p99: float


class Results:
    """Reads a bench.json; what it does not have is None."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self._raw: dict[str, Any] = content["results"]

    def raw(self, key: str) -> dict[str, Any] | None:
        """Return one result as it is stored."""
        found: dict[str, Any] | None = self._raw.get(key)
        return found

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with ``prefix``, in the order they were measured."""
        return [key for key in self._raw if key.startswith(prefix)]

    def rows(self) -> list[Row]:
        """Return the rows that have a cost."""
        return [row for row in ALL if self.keys(f"cost/{row.name}/")]

    def cost(self, row: Row, load: str) -> Spread | None:
        """Instructions of the whole target per packet."""
        found = self.raw(f"cost/{row.name}/{load}")
        return per_packet(found["runs"]) if found else None

    def own(self, row: Row, load: str) -> float | None:
        """Instructions per packet beyond plain forwarding's."""
        whole, plain = self.cost(row, load), self.cost(PLAIN, load)
        return whole.median - plain.median if whole and plain else None

    def latency(self, row: Row) -> Latency | None:
        """Time inside the target at low load."""
        found = self.raw(f"latency/{row.name}")
        if not found:
            return None
        times = [ns / 1000 for ns in found["runs"][0]["latency_ns"]]
        return Latency(quantile(times, 0.5), quantile(times, 0.99))

    def added_latency(self, row: Row) -> Latency | None:
        """Time at low load beyond plain forwarding's."""
        whole, plain = self.latency(row), self.latency(PLAIN)
        if not whole or not plain:
            return None
        return Latency(whole.median - plain.median, whole.p99 - plain.p99)

    def capacity(self, row: Row) -> float | None:
        """Highest rate without a loss, in packets of 1400 bytes per second of the target's time."""
        found = self.raw(f"capacity/{row.name}")
        return found["packets_per_s"] if found else None

    def profile(self, row: Row, load: str) -> dict[str, float] | None:
        """Instructions per packet by function."""
        found = self.raw(f"profile/{row.name}/{load}")
        return found["functions"] if found else None

    def stream(self, machine: str, path: str) -> dict[str, Any] | None:
        """One TCP stream: ``machine`` is the network card, with ``-offloads`` where they were on."""
        return self.raw(f"stream/{machine}/{path}")

    def nic_cost(self, nic: str, row: Row, load: str) -> Spread | None:
        """Instructions of the whole target per packet that comes from outside."""
        found = self.raw(figures.key(nic, row.name, load))
        return figures.udp_cost(found) if found else None

    def nic_tcp(self, nic: str, row: Row) -> Spread | None:
        """TCP in Mbit per second of the target's working time."""
        found = self.raw(figures.key(nic, row.name, figures.TCP))
        return figures.tcp_rate(found) if found else None

    def bulk_ratio(self, row: Row) -> float | None:
        """TCP bulk as a part of plain forwarding's, where the target is the limit: by cost, source inside."""
        one, plain = self.cost(row, TCP.name), self.cost(PLAIN, TCP.name)
        return plain.median / one.median if one and plain else None

    def nic_tcp_ratio(self, nic: str, row: Row) -> float | None:
        """The same as a part of plain forwarding's."""
        one, plain = self.nic_tcp(nic, row), self.nic_tcp(nic, PLAIN)
        return one.median / plain.median if one and plain else None

    def tcp_ratio(self, machine: str, path: str) -> float | None:
        """Throughput of a path as a part of plain forwarding's in the same run."""
        one, plain = self.stream(machine, path), self.stream(machine, "plain")
        return one["mbit_per_s"] / plain["mbit_per_s"] if one and plain else None


def difference(profile: dict[str, float], plain: dict[str, float]) -> dict[str, float]:
    """Instructions per packet by function beyond those of ``plain``, most first."""
    names = dict.fromkeys([*profile, *plain])
    found = {name: profile.get(name, 0.0) - plain.get(name, 0.0) for name in names}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
