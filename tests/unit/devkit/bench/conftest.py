# SPDX-License-Identifier: MIT
"""Results as a bench run leaves them, with round figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from devkit.bench.results.results import Results

AROUND = {
    "date": "2026-01-01",
    "host": {"cpu": "some <CPU>", "cpus": 2, "kernel": "6.1", "qemu": "7.2", "load": [0, 0, 0]},
    "image": {"kernel": {"release": "6.12"}, "git": {"commit": "abc", "dirty": False}},
}


def run(per_packet: int, latency_ns: list[int] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"sent": 10, "forwarded": 10, "backlog": 0, "lag_ns": 0}
    found |= {"virtual_ns": 1_000_000 + 10 * per_packet, "idle_ns": 1_000_000}
    return found | ({"latency_ns": latency_ns} if latency_ns else {})


def stream(path: str, rate: float) -> dict[str, Any]:
    samples = [[float(second), rate] for second in range(1, 11)]
    return {
        "path": path, "label": path, "mbit_per_s": rate, "cpu": 0.95, "others": 0.1, "retransmits": 0,
        "cpu_samples": [[second, 0.5] for second, _ in samples], "mbit_samples": samples,
    }  # fmt: skip


def through_a_card(per_packet: int) -> dict[str, Any]:
    """A result of traffic from outside; the target does nothing without it."""
    runs = [{**run(value), "octets": 15_000} for value in (per_packet - 10, per_packet, per_packet + 10)]
    return {"rest": {"virtual_ns": 100, "idle_ns": 100}, "runs": runs}


def timer(frames: int, period: int) -> dict[str, Any]:
    latency = run(9_000, [period * 1000] * 3)
    return {
        "frames": frames, "period_us": period, "cost": run(8_400), "latency": latency,
        "saturation": {"packets_per_s": 50_000.0},
    }  # fmt: skip


def _results(scale: float = 1.0) -> Results:
    costs = {"plain": 6_000, "nfqueue-c": 14_000, "fastqueue-c": 7_000, "fastqueue-python-batch": 8_000}
    raw: dict[str, Any] = {}
    for row, cost in costs.items():
        value = round(cost * scale)
        raw[f"cost/{row}/udp-1400"] = {"runs": [run(value - 10), run(value), run(value + 10)]}
        raw[f"cost/{row}/tcp"] = {"runs": [run(value)]}
        raw[f"latency/{row}"] = {"runs": [run(value, [value, value, 2 * value])]}
        raw[f"capacity/{row}"] = {"packets_per_s": 1e9 / value}
        raw[f"profile/{row}/udp-1400"] = {
            "per_packet": value,
            "functions": {"memcpy": value / 2, "f [fastqueue]": value / 2},
        }
        if row in {"plain", "nfqueue-c", "fastqueue-c"}:
            raw |= {f"nic/virtio/{row}/{kind}": through_a_card(value) for kind in ("udp-1400", "low")}
            raw[f"nic/virtio/{row}/tcp"] = {"runs": through_a_card(value)["runs"]}
    raw |= {f"ring/{frames}": {"runs": [run(7_000)]} for frames in (64, 128)}
    raw |= {f"queues/{number}": {"runs": [run(7_000)]} for number in (0, 1, 2)}
    raw |= {
        f"timer/{frames}/{period}": timer(frames, period)
        for frames in (64, 128)
        for period in (100, 1000, 5000)
    }
    for path, rate in (
        ("plain", 100.0),
        ("nfqueue-c", 50.0),
        ("fastqueue-python", 80.0),
        ("fastqueue-c", 90.0),
    ):
        raw[f"stream/virtio/{path}"] = stream(path, rate * scale)
    return Results({"complete": True, "surroundings": AROUND, "identity": {"quick": True}, "results": raw})


@pytest.fixture(name="results")
def make_results() -> Callable[..., Results]:
    """Return a function that makes results whose figures are ``scale`` times the round ones."""
    return _results


@pytest.fixture
def nothing() -> Results:
    """Results of a run that was interrupted at once."""
    return Results({"complete": False, "surroundings": AROUND, "identity": {"quick": True}, "results": {}})
