# SPDX-License-Identifier: MIT
import pytest

from devkit import datapath
from devkit.iperf import Interval, Throughput
from devkit.throughput import Measurement


def measurement(path: datapath.DataPath, rate: float, cpu: float = 0.5) -> Measurement:
    """One path with a rate in Mbit/s."""
    return Measurement(path, Throughput(rate, 7, 10.0, "cubic", (Interval(0.0, rate, 7),)), cpu)


@pytest.fixture
def measurements() -> list[Measurement]:
    """All four paths; the ratios to plain forwarding are 100, 25, 62 and 75 %."""
    rates = (400.0, 100.0, 248.0, 300.0)
    return [measurement(path, rate) for path, rate in zip(datapath.ALL, rates, strict=True)]
