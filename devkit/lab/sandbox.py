# SPDX-License-Identifier: MIT
"""What programs that talk to a guest run in: no capabilities, and a file tree of their own.

For a guest that broke out of QEMU, or that found a fault in a program at the other end of its cables.

Runs between fork and exec. The new root has the system's programs and libraries, a few devices and the files
that are named, all read-only, and writable directories where they are named. No process, no socket and no
other file of this user is there. The kit's filter of system calls holds in it; QEMU's own (``-sandbox on``)
comes on top.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.lab import syscall_filter

_CLONE_NEWNS, _CLONE_NEWIPC = 0x00020000, 0x08000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH = 2
#: Numbers of system calls that the C library has no function for (asm/unistd.h).
_SYS_PIVOT_ROOT = {"aarch64": 41}.get(os.uname().machine, 155)
_SYS_MOUNT_SETATTR = 442
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 24, 38
_CAPABILITY_VERSION = 0x20080522

#: Mounted on while the new tree is made; it is on every system.
_PLACE = Path("/tmp")
_OLD = "old"
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc/ld.so.cache", "etc/alternatives")
_DEVICES = ("dev/null", "dev/zero", "dev/full", "dev/random", "dev/urandom", "dev/kvm")

#: Where a program in it may write temporary files, if a directory is given for that.
SCRATCH = "/var/tmp"

#: What a file that a program writes to may have, beside the largest disk that it is given (bytes).
FILE_BESIDE = 1 << 30

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace")]


@dataclass(frozen=True)
class Tree:
    """Files of the new root beside the system's.

    reads:  files and directories, read-only under their own names
    writes: pairs: a directory and the name that it has inside
    """

    reads: Sequence[str] = ()
    writes: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Limits:
    """What the program may use at most; 0: no limit.

    memory: of its address space (bytes)
    file:   of a file that it writes to (bytes)
    """

    memory: int = 0
    file: int = 0

    def apply(self) -> None:
        """Limit the calling process."""
        for kind, value in ((resource.RLIMIT_AS, self.memory), (resource.RLIMIT_FSIZE, self.file)):
            if value:
                resource.setrlimit(kind, (value, value))


def enter(tree: Tree, limits: Limits = Limits()) -> None:
    """Confine the calling process, which is single-threaded and then executes a program.

    It says on standard error what failed: an exception before exec has no words.
    """
    try:
        _check(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWIPC), "unshare")
        _new_root(tree)
        drop_rights()
        limits.apply()
        syscall_filter.apply()
    except BaseException as error:
        print(f"sandbox: {error}", file=sys.stderr, flush=True)
        raise


def confinement(tree: Mapping[str, Any] | None, *, privileged: bool) -> Callable[[], None] | None:
    """Return what confines a program before it runs: a Tree of these fields, or at least no rights."""
    if privileged and tree is None:
        return None
    limits = Limits(file=FILE_BESIDE)

    def confine() -> None:
        if tree is None:
            drop_rights()
            syscall_filter.apply()
        else:
            enter(Tree(**tree), limits)

    return confine


def _new_root(tree: Tree) -> None:
    _mount("none", Path("/"), None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", _PLACE, "tmpfs", _MS_NOSUID | _MS_NODEV, b"mode=0755")
    os.chdir(_PLACE)
    Path(_OLD).mkdir()
    _check(_libc.syscall(_SYS_PIVOT_ROOT, b".", _OLD.encode()), "pivot_root")
    os.chdir("/")
    for name in _SYSTEM:
        _system(name)
    for name in _DEVICES:
        if (Path("/", _OLD) / name).exists():
            _bind(f"/{name}", f"/{name}", _NO_SETUID | _NO_PROGRAMS)
    for name in tree.reads:
        _readable(name)
    for name, inside in tree.writes:
        _bind(name, inside, _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS)
    _check(_libc.umount2(f"/{_OLD}".encode(), _MNT_DETACH), "umount2")
    Path("/", _OLD).rmdir()
    _set_attributes("/", _READ_ONLY, recursive=False)


def _system(name: str) -> None:
    source = Path("/", _OLD, name)
    if source.is_symlink():
        Path("/", name).symlink_to(source.readlink())
    elif source.exists():
        _bind(f"/{name}", f"/{name}", _READ_ONLY | _NO_SETUID | _NO_DEVICES)


def _readable(name: str) -> None:
    try:
        found = Path(f"/{_OLD}{name}").stat()
    except FileNotFoundError:
        return  # the program says that best
    if stat.S_ISREG(found.st_mode) and found.st_uid != os.geteuid() and not found.st_mode & stat.S_IROTH:
        # Root without capabilities could not open it any more.
        _make(name, directory=False)
        shutil.copyfile(f"/{_OLD}{name}", name)
    else:
        _bind(name, name, _READ_ONLY | _NO_SETUID | _NO_DEVICES)


def _bind(name: str, inside: str, attributes: int) -> None:
    source = Path(f"/{_OLD}{name}")
    _make(inside, directory=source.is_dir())
    _mount(str(source), Path(inside), None, _MS_BIND | _MS_REC)
    _set_attributes(inside, attributes, recursive=True)


def _make(name: str, *, directory: bool) -> None:
    """Make a place to mount on, where there is none yet."""
    path = Path(name)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if directory:
        path.mkdir()
    else:
        path.touch()


def _mount(source: str, target: Path, kind: str | None, flags: int, data: bytes | None = None) -> None:
    words = (source.encode(), str(target).encode(), kind.encode() if kind else None)
    _check(_libc.mount(*words, ctypes.c_ulong(flags), data), f"mount {target}")


def _set_attributes(path: str, attributes: int, *, recursive: bool) -> None:
    wanted = _MountAttributes(set=attributes)
    result = _libc.syscall(
        _SYS_MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE if recursive else 0,
        ctypes.byref(wanted), ctypes.c_size_t(ctypes.sizeof(wanted)),
    )  # fmt: skip
    _check(result, f"mount_setattr {path}")


def drop_rights() -> None:
    """Drop all capabilities, also those that executing a program would give: as root, in a user namespace.

    Until it executes one, the process has the memory and the descriptors of the one that it was forked from;
    so no other without capabilities can attach to it.
    """
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "not dumpable")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    capability = 0
    while _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    if capability == 0:
        _check(-1, "drop capabilities")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
