# SPDX-License-Identifier: MIT
"""Start QEMU in a lab: the supervisor opens what it needs, and QEMU gets descriptors instead of rights."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from devkit.host.bounded_log import Writer
from devkit.lab import sandbox
from devkit.lab.network import TUN
from devkit.lab.process_table import Children

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
_PLACEHOLDER = re.compile(r"\{fd:([a-z0-9-]+)\}")
_CHUNK = 1 << 16
#: Chunks after which others have their turn; more than a pipe holds.
_ROUNDS = 16
_BACKLOG = 4


def fd(name: str) -> str:
    """Return the word that stands for a descriptor in a command line."""
    return f"{{fd:{name}}}"


@dataclass(frozen=True)
class Launch:
    """A program to start in the sandbox, as it travels to the supervisor.

    argv:    command line; ``{fd:NAME}`` in a word stands for a descriptor
    taps:    interfaces that the supervisor opens for it
    sockets: listening Unix sockets that it makes in the lab's directory: NAME.sock
    logs:    pipes whose other end it writes to these files, of bounded size; ``output`` is both streams
    given:   names of the descriptors that come with the request
    reads:   files that it may read
    scratch: directory for its temporary files
    writes:  directories that it may write to
    memory:  most of its address space (bytes), 0: no limit
    """

    argv: Sequence[str]
    taps: Sequence[str] = ()
    sockets: Sequence[str] = ()
    logs: Mapping[str, str] = field(default_factory=dict)
    given: Sequence[str] = ()
    reads: Sequence[str] = ()
    scratch: str = ""
    writes: Sequence[str] = ()
    memory: int = 0

    def message(self) -> dict[str, Any]:
        """Return it as a part of a request."""
        return asdict(self)


@dataclass
class LogPipe:
    """The reading end of a log, and where it goes."""

    descriptor: int
    writer: Writer

    def copy(self) -> bool:
        """Copy what there is, some of it where it never ends; return False once nobody writes any more.

        Never waits. A writer that has ended left no more than a pipe holds, which is copied at once.
        """
        for _ in range(_ROUNDS):
            try:
                data = os.read(self.descriptor, _CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            # A full disk must not stop the machine: its log has a gap then.
            with contextlib.suppress(OSError):
                self.writer.write(data)
        return True

    def close(self) -> None:
        """Close both ends."""
        os.close(self.descriptor)
        self.writer.close()


class Resources:
    """Descriptors for one launch, by name; those of the child are closed here when it has them."""

    def __init__(self, launch: Launch, directory: Path, given: Sequence[int]) -> None:
        self.pipes: list[LogPipe] = []
        self._own: dict[str, int] = {}
        self._all = {**dict(zip(launch.given, given, strict=True)), **self._own}
        try:
            for name in launch.taps:
                self._add(name, _tap(name))
            for name in launch.sockets:
                self._add(name, _listener(directory / f"{name}.sock"))
            for name, path in launch.logs.items():
                self._add(name, self._log(Path(path)))
        except BaseException:
            self.close()
            self.close_pipes()
            raise

    def _add(self, name: str, descriptor: int) -> None:
        self._own[name] = self._all[name] = descriptor

    def _log(self, path: Path) -> int:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reader, False)
        try:
            self.pipes.append(LogPipe(reader, Writer(path)))
        except BaseException:
            os.close(reader)
            os.close(writer)
            raise
        return writer

    def filled(self, argv: Sequence[str]) -> list[str]:
        """Return the command line with numbers of descriptors."""
        return [_PLACEHOLDER.sub(lambda found: str(self._all[found[1]]), word) for word in argv]

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that the child gets."""
        return tuple(self._all.values())

    @property
    def output(self) -> int:
        """The log of both streams."""
        return self._own["output"]

    def close(self) -> None:
        """Close what only the child needs."""
        for descriptor in self._own.values():
            os.close(descriptor)
        self._own.clear()

    def close_pipes(self) -> None:
        """Close the logs, of a child that did not start."""
        for pipe in self.pipes:
            pipe.close()


def start(
    launch: Launch, namespace: str, directory: Path, children: Children, given: Sequence[int]
) -> tuple[int, list[LogPipe]]:
    """Start the program of ``launch`` in the sandbox; return its pid and the logs to copy.

    KitError FQ-TOOL where it is missing, FQ-SANDBOX where it cannot be confined; OSError of its resources.
    """
    resources = Resources(launch, directory, given)
    writes = [(name, name) for name in launch.writes]
    writes += [(launch.scratch, sandbox.SCRATCH)] if launch.scratch else []
    tree = sandbox.Tree(launch.reads, writes)
    limits = sandbox.Limits(launch.memory, _largest(given) + sandbox.FILE_BESIDE)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pid = children.spawn(
            namespace, resources.filled(launch.argv), (null, resources.output, resources.output),
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TMPDIR": sandbox.SCRATCH},
            descriptors=resources.descriptors, prepare=lambda: sandbox.enter(tree, limits),
            apart=True,
        )  # fmt: skip
    except BaseException:
        resources.close()
        for pipe in resources.pipes:
            pipe.copy()
        resources.close_pipes()
        raise
    finally:
        os.close(null)
    resources.close()
    return pid, resources.pipes


def _largest(descriptors: Sequence[int]) -> int:
    """Return the size of the largest file or block device (bytes)."""
    sizes = [0]
    for descriptor in descriptors:
        with contextlib.suppress(OSError):  # a pipe
            sizes.append(os.lseek(descriptor, 0, os.SEEK_END))
            os.lseek(descriptor, 0, os.SEEK_SET)
    return max(sizes)


def _tap(name: str) -> int:
    descriptor = os.open(TUN, os.O_RDWR | os.O_CLOEXEC)
    try:
        request = struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR)
        fcntl.ioctl(descriptor, _TUNSETIFF, request)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _listener(path: Path) -> int:
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.bind(str(path))
        sock.listen(_BACKLOG)
        return sock.detach()
