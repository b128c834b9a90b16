# SPDX-License-Identifier: MIT
"""A running target, however it is reached: boot, shell, kernel log, modules, rules.

Imports the packages down to qemu.
"""
