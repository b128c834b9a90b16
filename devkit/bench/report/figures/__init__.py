# SPDX-License-Identifier: MIT
"""The report's pictures: each function takes results and returns a figure, or None without data."""

from __future__ import annotations

# First of all: it loads matplotlib.
import devkit.host.plotting  # noqa: F401
