# SPDX-License-Identifier: MIT
"""Boards, CPU classes and QEMU machine profiles as data. Imports host."""
