# SPDX-License-Identifier: MIT
"""When a root file system has to be put together again."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.image import rootfs
from devkit.image.rootfs import Parts


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    for name in ("OVERLAY", "HANDLER"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(rootfs, name, tmp_path / name)
    (tmp_path / "userland").mkdir()
    (tmp_path / "userland/packages.json").write_text('{"dash": "0.5"}')
    return Parts(*(tmp_path / name for name in ("userland", "kernel", "module", "native")))


def test_same_parts_same_key(parts: Parts) -> None:
    assert parts.key == Parts(parts.userland, parts.kernel, parts.module, parts.native).key


@pytest.mark.parametrize("changed", ["package", "kernel", "overlay", "handler"])
def test_every_part_counts(parts: Parts, tmp_path: Path, changed: str) -> None:
    before = parts.key
    match changed:
        case "package":
            (parts.userland / "packages.json").write_text('{"dash": "0.6"}')
        case "kernel":
            parts = Parts(parts.userland, tmp_path / "other", parts.module, parts.native)
        case "overlay":
            (tmp_path / "OVERLAY/hostname").write_text("fastqueue")
        case "handler":
            (tmp_path / "HANDLER/queue.py").write_text("pass")
    assert parts.key != before
