# SPDX-License-Identifier: MIT
"""The part ``fairness`` of a bench run: what queues take of the processor from others."""
