# SPDX-License-Identifier: MIT
"""Directories of this user alone: mode 0700, and no other user can put another one in their place.

A directory is looked at each time that it is used, not only when it is made: in /tmp another user may have
been first. What is private here stays so, as every directory above it belongs to this user or to root.
check_tree() is for trees that others may read but not write to, and that the kit runs code from.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import grp
import os
import pwd
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WRITE = stat.S_IWGRP | stat.S_IWOTH
_WHOLE_MAP = ["0", "0", "4294967295"]


def make(path: Path, *, tighten: bool = False) -> int:
    """Open a private directory, made first where it is missing; as ``open_checked`` has it."""
    for missing in reversed([path, *path.parents]):
        with contextlib.suppress(FileExistsError):
            missing.mkdir(mode=0o700)
    return open_checked(path, tighten=tighten)


def open_checked(path: Path, *, tighten: bool = False) -> int:
    """Return a descriptor of the directory ``path``, which is this user's alone.

    PermissionError says what is wrong: its owner, its mode, that it is a link, or that somebody else may
    exchange a directory above it. ``tighten``: a directory of ours that others may read, but not write to,
    gets the mode 0700. OSError where there is none.
    """
    _check_above(path)
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise _refused(path, "is a link or not a directory") from error
        raise
    try:
        _check(path, descriptor, tighten=tighten)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def check(path: Path, *, tighten: bool = False) -> None:
    """Look at a directory as ``open_checked`` does, where there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.close(open_checked(path, tighten=tighten))


def check_tree(path: Path) -> None:
    """Check that only this user and root can change ``path``, what is in it and the directories above it.

    Nothing is changed. PermissionError says what is wrong; OSError if there is no such tree.
    """
    _check_above(path)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise _refused(path, "is a link or not a directory")
    _check_readable(path, found)
    # Top down: what is below a directory that passed can be exchanged by nobody else.
    for folder, directories, files in os.walk(path, onerror=_raise):
        for name in (*directories, *files):
            inner = Path(folder, name)
            _check_readable(inner, inner.lstat())


def is_ours(path: Path) -> bool:
    """Whether a private directory of this user is there."""
    try:
        os.close(open_checked(path))
    except OSError:
        return False
    return True


def remove(path: Path, suffixes: tuple[str, ...]) -> None:
    """Remove a flat directory, unless it holds what has none of the ``suffixes``.

    By descriptors: what somebody puts in its place meanwhile, such as a link, is left alone.
    """
    with contextlib.suppress(OSError):
        above = os.open(path.parent, _FLAGS)
        try:
            directory = os.open(path.name, _FLAGS, dir_fd=above)
            try:
                for name in os.listdir(directory):  # noqa: PTH208
                    if name.endswith(suffixes):
                        os.unlink(name, dir_fd=directory)
            finally:
                os.close(directory)
            os.rmdir(path.name, dir_fd=above)
        finally:
            os.close(above)


def _check(path: Path, descriptor: int, *, tighten: bool) -> None:
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        raise _refused(path, f"belongs to the user {_name(found.st_uid)}")
    if found.st_mode & _WRITE or (found.st_mode & _OTHERS and not tighten):
        raise _refused(path, f"is open to other users (mode {stat.S_IMODE(found.st_mode):04o})")
    if found.st_mode & _OTHERS:
        os.fchmod(descriptor, 0o700)


def _check_readable(path: Path, found: os.stat_result) -> None:
    if not _trusted(found.st_uid):
        raise _refused(path, f"belongs to the user {_name(found.st_uid)}")
    if not stat.S_ISLNK(found.st_mode) and _writable_by_others(found):
        raise _refused(path, f"can be written to by other users (mode {stat.S_IMODE(found.st_mode):04o})")


def _raise(error: OSError) -> None:
    raise error


def _writable_by_others(found: os.stat_result) -> bool:
    return bool(found.st_mode & stat.S_IWOTH) or (
        bool(found.st_mode & stat.S_IWGRP) and not _own_group(found.st_gid)
    )


def _check_above(path: Path) -> None:
    for directory in path.parents:
        found = directory.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise _refused(path, f"is reached through the link {directory}")
        if not _trusted(found.st_uid):
            raise _refused(path, f"is in {directory}, which belongs to the user {_name(found.st_uid)}")
        if found.st_mode & stat.S_ISVTX:
            continue
        if _writable_by_others(found):
            raise _refused(path, f"is in {directory}, which other users may change")


def _trusted(uid: int) -> bool:
    """Whether a directory of ``uid`` may be above ours: root's and our own."""
    return uid in {0, os.geteuid()} or (uid == _overflow_uid() and not _all_users_are_mapped())


def _own_group(gid: int) -> bool:
    """Whether a group is this user's private one, as adduser makes it: of that name, with no other member."""
    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return gid == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


@functools.cache
def _overflow_uid() -> int:
    try:
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return -1


@functools.cache
def _all_users_are_mapped() -> bool:
    """Whether owners are known; in a user namespace root of the host, for one, is not."""
    try:
        return Path("/proc/self/uid_map").read_text().split() == _WHOLE_MAP
    except OSError:
        return True


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _refused(path: Path, why: str) -> PermissionError:
    return PermissionError(errno.EPERM, why, str(path))
