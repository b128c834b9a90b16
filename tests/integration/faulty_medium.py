# SPDX-License-Identifier: MIT
"""A program: serve a file that fails as a worn-out card does, through the kernel's FUSE protocol.

    python3 faulty_medium.py MOUNT_POINT DESCRIPTION

DESCRIPTION is JSON: ``file`` keeps the content, ``size`` is in bytes. Faults, all optional:
``fail``: for ``write`` and ``read`` the offset of the sector that has an error, for ``flush`` any number;
``forget``: what is written is taken and reads as zeros;
``wraps``: behind so many bytes it begins again, as counterfeit sticks do;
``rate``: for ``write`` and ``read`` the bytes a second.

The mount point is a file. Nothing is cached: the kernel passes on each request. Requests are served one by
one. It prints a line when all is ready, and ends when it is killed; its mount ends with its mount namespace.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import struct
import sys
import time
from typing import Any

_SECTOR = 512
_MAX_WRITE = 1 << 17
_REQUEST = struct.Struct("=IIQQIIII")
_ANSWER = struct.Struct("=IiQ")
_IO = struct.Struct("=QQIIQII")
#: Numbers of the requests, from linux/fuse.h.
_FORGET, _GETATTR, _SETATTR, _OPEN, _READ, _WRITE = 2, 3, 4, 14, 15, 16
_RELEASE, _FSYNC, _FLUSH, _INIT, _INTERRUPT, _BATCH_FORGET = 18, 20, 25, 26, 36, 42
_DIRECT_IO = 1
_REGULAR = 0o100600


class Medium:
    """The content, and the faults between it and whoever asks."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.size = int(told["size"])
        self._file = os.open(told["file"], os.O_RDWR)
        self._fail: dict[str, int] = told.get("fail", {})
        self._forget: bool = told.get("forget", False)
        self._wraps: int = told.get("wraps", self.size)
        self._rate: dict[str, int] = told.get("rate", {})

    def _suffer(self, kind: str, offset: int, size: int) -> None:
        if kind in self._rate:
            time.sleep(size / self._rate[kind])
        bad = self._fail.get(kind)
        if bad is not None and offset < bad + _SECTOR and bad < offset + size:
            raise OSError(errno.EIO, "the sector is worn out")

    def read(self, offset: int, size: int) -> bytes:
        """Content at ``offset``, or what the medium says instead."""
        self._suffer("read", offset, size)
        if self._forget:
            return bytes(min(size, self.size - offset))
        return os.pread(self._file, min(size, self.size - offset), offset % self._wraps)

    def write(self, offset: int, data: bytes) -> int:
        """Take ``data``, more or less."""
        self._suffer("write", offset, len(data))
        return len(data) if self._forget else os.pwrite(self._file, data, offset % self._wraps)

    def flush(self) -> None:
        """Keep what was written."""
        self._suffer("flush", 0, self.size)
        os.fsync(self._file)


def answer(medium: Medium, kind: int, body: bytes) -> bytes:
    """Content of the answer to a request; OSError is its error."""
    if kind == _INIT:
        return struct.pack("=IIIIHHI", 7, 31, 0, 0, 1, 1, _MAX_WRITE)
    if kind in {_GETATTR, _SETATTR}:
        attributes = struct.pack("=6Q10I", 1, medium.size, medium.size // 512, 0, 0, 0, 0, 0, 0,
                                 _REGULAR, 1, 0, 0, 0, 4096, 0)  # fmt: skip
        return struct.pack("=QII", 3600, 0, 0) + attributes
    if kind == _OPEN:
        return struct.pack("=QII", 0, _DIRECT_IO, 0)
    if kind in {_READ, _WRITE}:
        _, offset, size, *_ = _IO.unpack_from(body)
        if kind == _READ:
            return medium.read(offset, size)
        return struct.pack("=II", medium.write(offset, body[_IO.size : _IO.size + size]), 0)
    if kind == _FSYNC:
        medium.flush()
    elif kind not in {_RELEASE, _FLUSH}:
        raise OSError(errno.ENOSYS, "not served")
    return b""


def serve(device: int, medium: Medium) -> None:
    """Answer the kernel's requests, for good."""
    while True:
        request = os.read(device, _MAX_WRITE + 4096)
        _, kind, unique, *_ = _REQUEST.unpack_from(request)
        if kind in {_FORGET, _BATCH_FORGET, _INTERRUPT}:
            continue  # these want no answer
        try:
            content, error = answer(medium, kind, request[_REQUEST.size :]), 0
        except OSError as failure:
            content, error = b"", -(failure.errno or errno.EIO)
        os.write(device, _ANSWER.pack(_ANSWER.size + len(content), error, unique) + content)


def main() -> None:
    """Mount and serve."""
    point, told = sys.argv[1], json.loads(sys.argv[2])
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode={_REGULAR:o},user_id=0,group_id=0"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"medium", point.encode(), b"fuse", 0, options.encode()):
        raise OSError(ctypes.get_errno(), "mount")
    print("ready", flush=True)
    serve(device, Medium(told))


if __name__ == "__main__":
    main()
