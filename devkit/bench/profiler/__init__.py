# SPDX-License-Identifier: MIT
"""Where the instructions go: a profile of the target by a plugin of QEMU's."""
