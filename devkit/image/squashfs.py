# SPDX-License-Identifier: MIT
"""A folder as a squashfs image: the same bytes for the same files."""

from __future__ import annotations

from pathlib import Path

from devkit.host import run_command


def pack(root: Path, image: Path, log: Path) -> None:
    """Pack ``root`` into ``image``, all of it root's and of no date; KitError FQ-TOOL, FQ-COMMAND.

    Blocks of 128 KB that xz packs: what is read is kept unpacked by the page cache.
    """
    argv: list[str | Path] = [
        run_command.need("mksquashfs", "squashfs-tools"), root, image, "-comp", "xz", "-Xbcj", "x86",
        "-all-root", "-noappend", "-no-progress", "-no-xattrs", "-mkfs-time", "0", "-all-time", "0",
    ]  # fmt: skip
    run_command.run(argv, log=log)
