# SPDX-License-Identifier: MIT
"""Build of the target's image: kernel, module, userspace, root file system, disk.

Imports host and hardware.
"""
