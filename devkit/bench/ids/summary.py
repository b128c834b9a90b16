# SPDX-License-Identifier: MIT
"""What a run found out about the IDSes, as figures; None for what it did not measure."""

from __future__ import annotations

from devkit.bench.ids import catalogue, costs, tcp_streams
from devkit.bench.ids.catalogue import Way
from devkit.bench.results import nic_results
from devkit.bench.results.results import Results
from devkit.bench.results.sample_stats import Spread


def cost(results: Results, way: Way) -> float | None:
    """Instructions of the whole target for a packet of 1400 bytes."""
    raw = results.raw(costs.key(way))
    return raw["per_packet"] if raw else None


def own(results: Results, way: Way) -> float | None:
    """Instructions of the queue: the kernel's beyond plain forwarding's, and those of its library.

    None for a handler in Python, whose queue cannot be told from its own work.
    """
    raw, plain = results.raw(costs.key(way)), results.raw(costs.key(catalogue.PLAIN))
    if not raw or not plain or "parts" not in raw:
        return None
    kernel = raw["parts"][costs.KERNEL] - plain["parts"][costs.KERNEL]
    return float(kernel + raw["parts"][costs.LIBRARY])


def own_ratio(results: Results, one: Way, other: Way) -> float | None:
    """One way's own instructions as a part of another's."""
    first, second = own(results, one), own(results, other)
    return first / second if first is not None and second else None


def tcp(results: Results, way: Way, offloads: bool) -> Spread | None:
    """Mbit of TCP per second that the target's processor worked."""
    raw = results.raw(tcp_streams.key(way.name, offloads))
    return nic_results.tcp_rate(raw) if raw else None


def tcp_ratio(results: Results, one: Way, other: Way, offloads: bool) -> float | None:
    """TCP of one way as a multiple of another's."""
    first, second = tcp(results, one, offloads), tcp(results, other, offloads)
    return first.median / second.median if first and second else None
