# SPDX-License-Identifier: MIT
"""Write a disk image to a medium, without taking the wrong one and without trusting it."""
