# SPDX-License-Identifier: MIT
"""Models of the kernel module."""
