# SPDX-License-Identifier: MIT
"""The report's pictures: each function takes results and returns a figure, or None without data."""
