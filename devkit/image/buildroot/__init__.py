# SPDX-License-Identifier: MIT
"""The Buildroot base: its tree, its configuration, its archives and its build."""
