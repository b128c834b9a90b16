# SPDX-License-Identifier: MIT
"""The benchmark's fairness part: what queues take of the processor from others."""
