# SPDX-License-Identifier: MIT
"""System calls that Python 3.11 does not have."""

import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS = 1, 2, 0x10, 0x20
MREMAP_MAYMOVE = 1
MADV_DOFORK = 11
_PR_SET_DUMPABLE = 4
_MEMBARRIER = 324 if sys.maxsize > 1 << 32 else 375  # x86_64's number, and i386's
_MEMBARRIER_CMD_GLOBAL = 1

_MAP_FAILED = ctypes.c_void_p(-1).value
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
_libc.mremap.restype = ctypes.c_void_p
_libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)
_libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def _checked(result: int, failed: bool) -> int:
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def unshare(flags: int) -> None:
    """Leave the parent's namespaces."""
    _checked(0, _libc.unshare(flags) != 0)


def set_dumpable() -> None:
    """Let this process, which changed its user, write to its own files in /proc again."""
    _checked(0, _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)


def setns(fd: int, kind: int) -> None:
    """Enter the namespace that ``fd`` refers to; this thread only."""
    _checked(0, _libc.setns(fd, kind) != 0)


def membarrier() -> None:
    """Wait until every processor has left the read-side sections of RCU that it is in."""
    _checked(0, _libc.syscall(_MEMBARRIER, _MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)


def mmap(fd: int, size: int, protection: int, flags: int, offset: int, *, at: int | None = None) -> int:
    """Map and return the address, which with MAP_FIXED is ``at``."""
    address = _libc.mmap(at, size, protection, flags, fd, offset)
    return _checked(address or 0, address == _MAP_FAILED)


def mremap(address: int, old: int, new: int, flags: int) -> int:
    """Grow, shrink or move a mapping; return its address."""
    moved = _libc.mremap(address, old, new, flags)
    return _checked(moved or 0, moved == _MAP_FAILED)


def mprotect(address: int, size: int, protection: int) -> None:
    """Change what may be done with a mapping."""
    _checked(0, _libc.mprotect(address, size, protection) != 0)


def munmap(address: int, size: int) -> None:
    """Unmap, a part perhaps."""
    _checked(0, _libc.munmap(address, size) != 0)


def madvise(address: int, size: int, advice: int) -> None:
    """Advise about a mapping."""
    _checked(0, _libc.madvise(address, size, advice) != 0)
