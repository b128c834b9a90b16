# SPDX-License-Identifier: MIT
"""For all tests: signals are heard, and the time that hypothesis's examples take is no reason to fail.

Ctrl-C and a hang-up are heard also where pytest was started in the background.
"""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

#: Of this profile are the others, and what no profile is asked for: a busy machine fails no test.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """Undo what a shell does to jobs in the background, and nohup: tests send themselves these signals."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
