# SPDX-License-Identifier: MIT
"""What is written, and what it is written to."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from flashing import ROOM, SIZE, described


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk image of random content with one partition, and its description."""
    path = tmp_path_factory.mktemp("image") / "disk.img"
    data = bytearray(random.Random(5).randbytes(SIZE))
    entry = struct.pack("<B3xB3xII", 0x80, 0x83, 2048, SIZE // 512 - 2048)
    data[446:512] = entry + bytes(48) + b"\x55\xaa"
    path.write_bytes(data)
    described(path)
    return path


@pytest.fixture
def backing(tmp_path: Path) -> Path:
    """An older medium: random content, a GPT backup in its last sectors."""
    path = tmp_path / "medium"
    data = bytearray(random.Random(6).randbytes(ROOM))
    data[-512:-504] = b"EFI PART"
    path.write_bytes(data)
    return path
