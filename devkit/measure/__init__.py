# SPDX-License-Identifier: MIT
"""Throughput and flows over the data paths, as demo and bench measure them.

Imports the packages down to target.
"""
