# SPDX-License-Identifier: MIT
"""Fuzz targets of the C code: libFuzzer's entry point in each, and a driver for gcc. See docs/fuzzing.md."""
