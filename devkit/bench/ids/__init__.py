# SPDX-License-Identifier: MIT
"""The part ``ids`` of a bench run: Suricata and a light IDS over both queues."""
