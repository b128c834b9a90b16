# SPDX-License-Identifier: MIT
"""System calls that QEMU and the programs at the other end of a guest's cables may not make (seccomp).

Those that lead to capabilities in a namespace of one's own, to other processes' memory, or to parts of the
kernel that such programs have no use for. Runs between fork and exec; the filter holds for all that the
program starts.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
#: Classic BPF: load a word, jump if equal, if not below, if any bit is set, return.
_LOAD, _EQUAL, _NOT_BELOW, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
#: Of struct seccomp_data: number, architecture, the lower half of the first argument.
_NUMBER, _ARCHITECTURE, _FIRST = 0, 4, 16
#: Calls of the x32 ABI have this bit.
_X32 = 0x40000000
#: CLONE_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET
_NEW_NAMESPACES = 0x7E020000
#: Has its flags in memory, where a filter cannot see them; the C library then takes clone.
_CLONE3 = 435
#: open_tree to fspick, mount_setattr; io_uring_setup, _enter, _register; pidfd_getfd, process_madvise: the
#: same on all architectures.
_COMMON = (*range(428, 434), 442, 425, 426, 427, 438, 440)


@dataclass(frozen=True)
class _Machine:
    """An architecture: its word for the filter, its number of clone, and of what is denied."""

    word: int
    clone: int
    denied: tuple[int, ...]


#: In this order: unshare, setns, mount, umount2, pivot_root, chroot, ptrace, process_vm_readv, _writev, bpf,
#: perf_event_open; add_key, request_key, keyctl, userfaultfd, kexec_load, kexec_file_load, init_module,
#: delete_module, finit_module, name_to_handle_at, open_by_handle_at; kcmp, move_pages, migrate_pages
#: (asm/unistd.h).
_MACHINES = {
    "x86_64": _Machine(
        0xC000003E, 56,
        (272, 308, 165, 166, 155, 161, 101, 310, 311, 321, 298,
         248, 249, 250, 323, 246, 320, 175, 176, 313, 303, 304,
         312, 279, 256),
    ),
    "aarch64": _Machine(
        0xC00000B7, 220,
        (97, 268, 40, 39, 41, 51, 117, 270, 271, 280, 241,
         217, 218, 219, 282, 104, 294, 105, 106, 273, 264, 265,
         272, 239, 238),
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def apply() -> None:
    """Filter the calling process from now on; it must have no_new_privs. Raises OSError if the kernel cannot.

    On an architecture that is not known here there is no filter.
    """
    machine = _MACHINES.get(os.uname().machine)
    if machine is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return
    code = _code(machine)
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"system call filter: {os.strerror(number)}")


def _code(machine: _Machine) -> bytes:
    denied = _RETURN, 0, 0, _ERROR | errno.EPERM
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, machine.word),
        denied,
        (_LOAD, 0, 0, _NUMBER),
        (_NOT_BELOW, 0, 1, _X32),
        denied,
    ]
    for number in (*machine.denied, *_COMMON):
        steps += [(_EQUAL, 0, 1, number), denied]
    steps += [
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
        (_EQUAL, 0, 3, machine.clone),
        (_LOAD, 0, 0, _FIRST),
        (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        denied,
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
