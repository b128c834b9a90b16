# SPDX-License-Identifier: MIT
"""The emulated machine: QEMU's command line, its control socket and its disks.

Imports host, hardware, image and lab.
"""
