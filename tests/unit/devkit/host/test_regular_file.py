# SPDX-License-Identifier: MIT
"""What a sandboxed program leaves is read only if it is a file of a sane size."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from devkit.host import regular_file


def refused(path: Path, limit: int = 100) -> int | None:
    with pytest.raises(OSError) as caught:
        regular_file.read(path, limit)
    return caught.value.errno


def test_a_file_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert regular_file.read(tmp_path / "file", 100) == b"x" * 100
    assert refused(tmp_path / "file", 99) == errno.EFBIG


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    assert refused(tmp_path / "link") == errno.ELOOP


@pytest.mark.timeout(20)
def test_a_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == errno.EINVAL


def test_no_devices_sockets_and_directories(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
        assert refused(tmp_path / "socket") == errno.ENXIO
    assert refused(Path("/dev/zero")) == errno.EINVAL
    assert refused(tmp_path) is not None
    assert refused(tmp_path / "none") == errno.ENOENT
