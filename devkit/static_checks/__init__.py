# SPDX-License-Identifier: MIT
"""Checks that read the source: imports of devkit, and what gcc, sparse and Coccinelle find.

Imports host and image.
"""
