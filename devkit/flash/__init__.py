# SPDX-License-Identifier: MIT
"""Write a disk image to a medium that is checked first and read back afterwards.

Imports host, hardware and image.
"""
