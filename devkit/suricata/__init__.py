# SPDX-License-Identifier: MIT
"""Suricata in the target: settings, rules, its log and bypassed flows.

Imports the packages down to measure.
"""
