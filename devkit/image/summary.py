# SPDX-License-Identifier: MIT
"""What a user wants to know about an image at a glance."""

from __future__ import annotations

from typing import Any

from devkit.host.progress import say
from devkit.image.image import Image


def lines(image: Image) -> list[str]:
    """Folder, kernel, sizes and commit of an image, a line each."""
    about = image.description
    git = about["git"]
    commit = f"{git['commit'][:12]}{' with changes' if git['dirty'] else ''}" if git else "not in git"
    sizes = ", ".join(f"{name} {file['size'] / 1e6:.2f} MB" for name, file in about["files"].items())
    return [
        f"image: {image.directory}",
        f"  base {about['base']}, Linux {about['kernel']['release']} ({about['kernel']['version']})",
        f"  {sizes}",
        f"  commit {commit}; all else in image.json",
    ]


def identity(image: Image) -> dict[str, Any]:
    """Return the parts of image.json that tell one image from another."""
    keys = ("base", "kernel", "git", "files", "inputs")
    return {key: image.description[key] for key in keys if key in image.description}


def show(image: Image) -> None:
    """Print ``lines``."""
    for line in lines(image):
        say(line)
