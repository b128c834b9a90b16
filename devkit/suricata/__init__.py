# SPDX-License-Identifier: MIT
"""Suricata in the target: its rules and settings, running it over either queue, what it found, the show."""
