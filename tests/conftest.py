# SPDX-License-Identifier: MIT
"""For all tests: Ctrl-C and a hang-up are heard, also where pytest was started in the background."""

from __future__ import annotations

import signal

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Undo what a shell does to jobs in the background, and nohup: tests send themselves these signals."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
