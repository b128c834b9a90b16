# SPDX-License-Identifier: MIT
"""The benchmark's IDS part: cost and TCP rate of each IDS over both queues."""
