# SPDX-License-Identifier: MIT
from typing import cast

import pytest

from devkit.host.errors import KitError
from devkit.lab.client import Lab
from devkit.measure import throughput
from devkit.target.qemu import Target
from devkit.target.shell import Result


class Uptime:
    """A target that answers with two readings of /proc/uptime."""

    def __init__(self, text: str) -> None:
        self.text = text

    def run(self, command: str, timeout: float = 60.0, quiet: bool = False) -> Result:
        assert "/proc/uptime" in command
        return Result(0, self.text.encode())


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("10.00 4.00\n20.00 6.50\n", 0.75),
        ("10.00 4.00\n20.00 14.00\n", 0.0),
        ("10.00 4.00\n20.00 4.00\n", 1.0),
        ("10.00 4.00\n20.00 14.02\n", 0.0),
    ],
)
def test_use_is_what_is_not_idle(text: str, use: float) -> None:
    assert throughput.cpu_use(cast(Target, Uptime(text)), 10) == pytest.approx(use)


def test_no_time_is_no_measurement() -> None:
    with pytest.raises(KitError) as caught:
        throughput.measure_all(cast(Lab, None), cast(Target, None), 0)
    assert (caught.value.code, caught.value.status) == ("FQ-ARGUMENT", 2)
