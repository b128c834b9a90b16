# SPDX-License-Identifier: MIT
"""Sizes as people read them."""

from __future__ import annotations


def human(size: float) -> str:
    """Bytes in powers of 1000, as media are labelled: ``512 bytes``, ``7.9 GB``."""
    if size < 1000:
        return f"{size:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"
