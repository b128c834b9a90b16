# SPDX-License-Identifier: MIT
"""Remove what can be made again."""

from __future__ import annotations

from devkit.host.cache import remove_tree, total_size
from devkit.host.paths import OUT, cache_dir
from devkit.host.progress import say


def clean(with_cache: bool) -> None:
    """Remove out/ and, if asked, the whole cache; says what went and how much it was."""
    for folder in [OUT, *([cache_dir()] if with_cache else [])]:
        if folder.exists():
            size = total_size([folder])
            remove_tree(folder)
            say(f"removed {folder} ({size / 1e6:.0f} MB)")
        else:
            say(f"{folder} is not there")
