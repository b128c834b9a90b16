# SPDX-License-Identifier: MIT
"""What a target has when the user gets it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import cast

from devkit.commands.boot import settle_in
from devkit.qemu.extra_disk import SURICATA, ExtraDisk
from devkit.suricata import engine
from devkit.target.qemu import Target


class _Target:
    """One that keeps what it is given."""

    def __init__(self) -> None:
        self.files: list[bytes] = []
        self.lines: list[str] = []

    def put(self, content: bytes, path: str) -> None:
        self.files.append(content)

    def run(self, line: str) -> None:
        self.lines.append(line)


def test_suricata_comes_with_its_settings_and_rules() -> None:
    target = _Target()
    settle_in(cast(Target, target), SURICATA)
    with tarfile.open(fileobj=io.BytesIO(target.files[0])) as archive:
        names = archive.getnames()
    assert {Path(engine.RULES).name, engine.SETTINGS.name} <= set(names)
    assert engine.FOLDER in target.lines[0]


def test_other_targets_are_left_as_they_are() -> None:
    target = _Target()
    for addition in (None, ExtraDisk("tools", "/mnt/bin/tool", "/mnt", 64, lambda rootfs: rootfs)):
        settle_in(cast(Target, target), addition)
    assert not target.files
    assert not target.lines
