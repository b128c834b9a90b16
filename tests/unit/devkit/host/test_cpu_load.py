# SPDX-License-Identifier: MIT
import pytest

from devkit.host import cpu_load

BEFORE = "cpu  1000 10 200 5000 50 0 40 0 300 0\ncpu0 1 2 3\n"


@pytest.mark.parametrize(
    ("after", "use"),
    [
        ("cpu  1100 10 200 5300 50 0 40 0 400 0\n", 0.25),
        ("cpu  1000 10 200 5300 150 0 40 0 300 0\n", 0.0),
        ("cpu  1000 10 200 5000 50 0 40 80 300 0\n", 1.0),
        (BEFORE, 0.0),
    ],
)
def test_use_is_neither_idle_nor_waiting(after: str, use: float) -> None:
    assert cpu_load.between(BEFORE, after) == pytest.approx(use)


def test_this_host_can_be_read() -> None:
    assert 0.0 <= cpu_load.busy(0.05) <= 1.0
