# SPDX-License-Identifier: MIT
"""Block devices for tests: good ones, and ones that fail as a worn-out card does.

A good one is a loop device on a file. A bad one is a loop device on a file that faulty_medium.py serves,
so that the kernel tells whoever writes what it would tell of a failing disk. Not the device mapper's
error target: many kernels of virtual machines and containers have none, and it cannot forget or lie.

All of it ends with its owner, also when that is killed: loop devices are cleared by the kernel when their
last user is gone, the program dies with its parent, and its mount with the mount namespace that is its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = Path(__file__).with_name("faulty_medium.py")
_LOOP_CTL_GET_FREE = 0x4C82
_LOOP_CONFIGURE = 0x4C0A
_READ_ONLY, _AUTOCLEAR, _PARTITIONS = 1, 4, 8
_BLKPG, _BLKPG_ADD_PARTITION = 0x1269, 1
_LOOP_MAJOR = 7


@dataclass(frozen=True)
class Loop:
    """A loop device, open as long as the test needs it; ``file`` is where its content lies."""

    path: str
    file: Path

    @property
    def name(self) -> str:
        """Name in the kernel."""
        return self.path.rpartition("/")[2]

    def add_partition(self, number: int, start: int, length: int) -> Path:
        """Give it a partition that no table knows (offsets in bytes); return its path in /sys.

        Not every kernel reads tables of every kind; each has this call.
        """
        partition = ctypes.create_string_buffer(struct.pack("=qqi64s64s4x", start, length, number, b"", b""))
        argument = struct.pack(
            "@iiiP", _BLKPG_ADD_PARTITION, 0, len(partition.raw), ctypes.addressof(partition)
        )
        with open(self.path, "rb", buffering=0) as device:  # noqa: PTH123
            fcntl.ioctl(device, _BLKPG, argument)
        return Path(f"/sys/block/{self.name}/{self.name}p{number}")


@contextlib.contextmanager
def loop(file: Path, *, read_only: bool = False) -> Iterator[Loop]:
    """Attach a file to a free loop device, with its partitions."""
    flags = _AUTOCLEAR | _PARTITIONS | (_READ_ONLY if read_only else 0)
    backing = os.open(file, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC)
    try:
        path, held = _configured(backing, flags)
    finally:
        os.close(backing)
    try:
        yield Loop(path, file)
    finally:
        os.close(held)


def _configured(backing: int, flags: int) -> tuple[str, int]:
    information = struct.pack("=5Q4I160x2Q", 0, 0, 0, 0, 0, 0, 0, 0, flags, 0, 0)
    config = struct.pack("=II", backing, 0) + information + bytes(64)
    with open("/dev/loop-control", "rb", buffering=0) as control:  # noqa: PTH123
        while True:
            number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
            path = f"/dev/loop{number}"
            with contextlib.suppress(FileExistsError):  # a container's /dev has those that were there before
                os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(_LOOP_MAJOR, number))
            held = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(held, _LOOP_CONFIGURE, config)
            except OSError:
                os.close(held)  # somebody else took it meanwhile
                time.sleep(0.01)
                continue
            return path, held


@dataclass(frozen=True)
class Faulty:
    """A loop device and the program behind it."""

    loop: Loop
    program: subprocess.Popen[str]

    def pull(self) -> None:
        """Take the medium out."""
        self.program.kill()
        self.program.wait()


@contextlib.contextmanager
def faulty(file: Path, **faults: object) -> Iterator[Faulty]:
    """A loop device with the content of ``file`` and the faults that faulty_medium.py knows."""
    point = file.with_name(f"{file.name}.served")
    point.touch()
    told = json.dumps({"file": str(file), "size": file.stat().st_size, **faults})
    argv = [
        "unshare", "--mount", "--propagation", "private", "setpriv", "--pdeathsig", "KILL",
        sys.executable, str(_PROGRAM), str(point), told,
    ]  # fmt: skip
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n", (
                "the medium cannot be mounted: is there a /dev/fuse?"
            )
            with loop(Path(f"/proc/{program.pid}/root{point}")) as device:
                yield Faulty(device, program)
        finally:
            program.kill()
