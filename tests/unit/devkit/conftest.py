# SPDX-License-Identifier: MIT
import pytest

from devkit.measure import data_path
from devkit.measure.iperf import Interval, Throughput
from devkit.measure.throughput import Measurement, Sample


def measurement(path: data_path.DataPath, rate: float, cpu: float = 0.5) -> Measurement:
    """One path with a median rate in Mbit/s, a tenth below and a twentieth above."""
    rates = (rate * 0.9, rate, rate * 1.05)
    return Measurement(
        path,
        tuple(Sample(Throughput(each, 7, 4.0, "cubic", (Interval(0.0, each, 7),)), cpu) for each in rates),
    )


@pytest.fixture
def measurements() -> list[Measurement]:
    """All four paths; the ratios to plain forwarding are 100, 25, 62 and 75 %."""
    rates = (400.0, 100.0, 248.0, 300.0)
    return [measurement(path, rate) for path, rate in zip(data_path.ALL, rates, strict=True)]
