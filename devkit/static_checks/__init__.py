# SPDX-License-Identifier: MIT
"""Checks that read the source: what gcc, sparse and Coccinelle find. Imports host and image."""
