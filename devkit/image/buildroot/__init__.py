# SPDX-License-Identifier: MIT
"""The Buildroot base: its tree, its configuration, its build, and what an image takes from it."""
