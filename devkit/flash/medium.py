# SPDX-License-Identifier: MIT
"""The device that is written to: held for us alone, and never through the page cache."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import stat
import struct
from types import TracebackType
from typing import Protocol

from devkit.flash.exit_status import REFUSED
from devkit.host.errors import KitError

_BLKROGET = 0x125E
_BLKRRPART = 0x125F
_BLKGETSIZE64 = 0x80081272
_BLKFLSBUF = 0x1261


class Medium(Protocol):
    """Something to write to and to read from again. Offsets and lengths are whole sectors; OSError."""

    path: str
    size: int

    def read(self, offset: int, view: memoryview) -> int:
        """Fill ``view`` with what the medium holds; return the number of bytes, 0 at its end."""
        ...

    def write(self, offset: int, view: memoryview) -> int:
        """Write ``view``; return the number of bytes that were taken."""
        ...

    def flush(self) -> None:
        """Return when all that was written is on the medium."""
        ...


def aligned(size: int) -> mmap.mmap:
    """Memory that a device can reach directly: it begins at a page."""
    return mmap.mmap(-1, size)


class RawDisk:
    """A whole block device, opened for exclusive use with O_DIRECT.

    The kernel grants O_EXCL on a block device to one holder only, file systems, swap, md and
    device mapper included, in other mount namespaces too: the last word on whether it is in use.
    """

    def __init__(self, path: str, number: str, *, writable: bool) -> None:
        """Open ``path``, which must be the device ``major:minor`` that was looked at before.

        KitError FQ-FLASH-REFUSED, FQ-FLASH-ROOT.
        """
        self.path = path
        mode = os.O_RDWR if writable else os.O_RDONLY
        try:
            # Never O_CREAT: where a stick was pulled, a file of its name in /dev would take the image.
            self._descriptor = os.open(path, mode | os.O_EXCL | os.O_DIRECT | os.O_CLOEXEC)
        except OSError as error:
            raise _not_opened(path, error) from error
        try:
            found = os.fstat(self._descriptor)
            same = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}" == number
            if not stat.S_ISBLK(found.st_mode) or not same:
                raise _refused(f"{path} is another device than a moment ago", "look at it again")
            self.size = self._ask(_BLKGETSIZE64, 8)
            self.read_only = bool(self._ask(_BLKROGET, 4))
        except BaseException:
            os.close(self._descriptor)
            raise

    def _ask(self, request: int, size: int) -> int:
        answer = fcntl.ioctl(self._descriptor, request, bytes(size))
        return int(struct.unpack("=Q" if size == 8 else "=I", answer)[0])

    def read(self, offset: int, view: memoryview) -> int:
        """As Medium has it."""
        return os.preadv(self._descriptor, [view], offset)

    def write(self, offset: int, view: memoryview) -> int:
        """As Medium has it."""
        return os.pwritev(self._descriptor, [view], offset)

    def flush(self) -> None:
        """As Medium has it; also forget what the kernel may remember of the device."""
        os.fsync(self._descriptor)
        with contextlib.suppress(PermissionError):  # O_DIRECT alone reads from the device too
            fcntl.ioctl(self._descriptor, _BLKFLSBUF, 0)

    def reread_partitions(self) -> bool:
        """Have the kernel read the new partition table; return False where somebody keeps it from that."""
        try:
            fcntl.ioctl(self._descriptor, _BLKRRPART, 0)
        except OSError as error:
            # A loop device without partitions has no table to read, which is as good.
            return error.errno == errno.EINVAL
        return True

    def close(self) -> None:
        """Give the device free."""
        os.close(self._descriptor)

    def __enter__(self) -> RawDisk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _not_opened(path: str, error: OSError) -> KitError:
    reasons = {
        errno.EBUSY: ("somebody uses it", f"close what uses it: fuser -v {path}, lsblk {path}"),
        errno.ENOMEDIUM: ("there is no medium in it", "put a card into the reader"),
        errno.EROFS: ("it is read-only", "look for a switch on the card"),
        errno.ENOENT: ("it is not there", "./inv flash lists the devices"),
    }
    reason, remedy = reasons.get(error.errno or 0, (str(error.strerror), "dmesg may say more"))
    return _refused(f"{path} cannot be opened: {reason}", remedy)


def _refused(what: str, remedy: str) -> KitError:
    return KitError("FQ-FLASH-REFUSED", what, remedy, status=REFUSED)
