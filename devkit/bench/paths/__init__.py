# SPDX-License-Identifier: MIT
"""The paths a packet takes through the target, and how each is set up."""
