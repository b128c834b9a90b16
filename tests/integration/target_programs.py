# SPDX-License-Identifier: MIT
"""Programs of the tests that run in the target: how they get there."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from devkit.target.qemu import Target


def install(target: Target, place: str, *folders: Path, others: Mapping[str, Path] | None = None) -> None:
    """Put the Python files of ``folders`` into the folder ``place`` of the target, alone.

    ``others``: further files and folders by their names there.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for folder in folders:
            for path in sorted(folder.glob("*.py")):
                archive.add(path, path.name)
        for name, path in (others or {}).items():
            archive.add(path, name)
    target.put(buffer.getvalue(), f"{place}.tar.gz")
    target.run(f"rm -rf {place}; mkdir {place}; tar xzf {place}.tar.gz -C {place}; rm {place}.tar.gz")
