# SPDX-License-Identifier: MIT
"""This machine: commands, files, locks, the cache, and text on the terminal.

Imports nothing else of devkit.
"""
