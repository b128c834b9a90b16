# SPDX-License-Identifier: MIT
"""Instructions per function, counted by a QEMU plugin."""
