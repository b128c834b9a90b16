# SPDX-License-Identifier: MIT
"""Fuzz targets of the package: functions of bytes that raise if something is wrong. See docs/fuzzing.md."""
