# SPDX-License-Identifier: MIT
"""Figures of the ways through the target, in the target's own time; docs/benchmarks.md says what they are."""
