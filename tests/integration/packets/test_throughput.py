# SPDX-License-Identifier: MIT
"""TCP through each path. That it completes is tested; how fast it was is recorded."""

import pytest

from devkit.host.paths import OUT
from devkit.lab.client import Lab
from devkit.measure import data_path, throughput, throughput_report
from devkit.measure.data_path import DataPath
from devkit.measure.throughput import Measurement
from devkit.target.qemu import Target

SECONDS = 2
RESULT = OUT / "tests" / "throughput.json"


@pytest.fixture(scope="module")
def results() -> list[Measurement]:
    """What was measured so far."""
    return []


@pytest.mark.parametrize("path", data_path.ALL, ids=lambda path: path.name)
def test_tcp_completes(target: Target, lab: Lab, results: list[Measurement], path: DataPath) -> None:
    found = throughput.sample(lab, target, path, SECONDS)
    results.append(Measurement(path, (found,)))
    assert found.throughput.mbit_per_s > 0
    if found.counters is not None:
        found.counters.check()
        assert found.counters.accepted > 0
        assert not found.counters.dropped
    write(results, lab)


def write(results: list[Measurement], lab: Lab) -> None:
    about = lab.info()["target"]
    content = {
        **throughput_report.surroundings(),
        "profile": about["profile"],
        "nic": about["nic"],
        "seconds": SECONDS,
        "results": [result.record() for result in results],
        "not": list(throughput_report.caveats(about["profile"])),
    }
    throughput_report.write_json(RESULT, content)
