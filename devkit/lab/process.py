# SPDX-License-Identifier: MIT
"""A process in a lab, held by a connection: close it, and the process is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from types import TracebackType
from typing import IO

from devkit.lab import protocol

#: What subprocess takes as a stream: PIPE, DEVNULL, STDOUT, a descriptor, a file. None is our own
#: stream, and for standard input DEVNULL.
Stream = int | IO[bytes] | None


def describe_end(status: int) -> str:
    """Say an exit status in words: ``status 1``, or the signal's name where it is negative."""
    return signal.Signals(-status).name if status < 0 else f"status {status}"


class Process:
    """Like subprocess.Popen, for a child of the lab's supervisor.

    ``pid`` is the one inside the lab. ``stdin``, ``stdout`` and ``stderr`` are binary pipes where
    PIPE was asked for. As a context manager: killed at the end.
    """

    def __init__(self, sock: socket.socket, argv: list[str], streams: Streams, pid: int) -> None:
        self.args = argv
        self.stdin, self.stdout, self.stderr = streams.own
        self.returncode: int | None = None
        self.pid = pid
        self._sock = sock

    def poll(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._read(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status; subprocess.TimeoutExpired after ``timeout`` s."""
        status = self._read(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return status

    def _read(self, timeout: float | None) -> int | None:
        if self.returncode is not None:
            return self.returncode
        self._sock.settimeout(timeout)
        try:
            message, _ = protocol.receive(self._sock)
        except (BlockingIOError, TimeoutError):
            return None
        # A lab that ends kills all that runs in it.
        self.returncode = -signal.SIGKILL if message is None else int(message["status"])
        return self.returncode

    def fileno(self) -> int:
        """Descriptor that becomes readable when the process ends, for select."""
        return self._sock.fileno()

    def send_signal(self, number: int) -> None:
        """Signal the process and its process group."""
        if self.poll() is None:
            with contextlib.suppress(BrokenPipeError):
                protocol.send(self._sock, {"op": "signal", "number": number})

    def terminate(self) -> None:
        """Ask the process to end (SIGTERM)."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and its process group."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Kill the process if it runs, wait for its end, close the pipes."""
        try:
            if self._sock.fileno() >= 0:
                self.kill()
                self.wait(10)
        finally:
            self._sock.close()
            for stream in (self.stdin, self.stdout, self.stderr):
                if stream is not None:
                    stream.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Streams:
    """The three descriptors that a child gets, and our ends of its pipes."""

    def __init__(self, stdin: Stream, stdout: Stream, stderr: Stream) -> None:
        self._to_close: list[int] = []
        self.own: list[IO[bytes] | None] = [None, None, None]
        self.child: list[int] = []
        for number, stream in enumerate((stdin, stdout, stderr)):
            self.child.append(self._descriptor(number, stream))

    def _descriptor(self, number: int, stream: Stream) -> int:
        if stream is None:
            return number if number else self._null()
        if stream == subprocess.STDOUT:
            return self.child[1]
        if stream == subprocess.DEVNULL:
            return self._null()
        if stream == subprocess.PIPE:
            return self._pipe(number)
        return stream if isinstance(stream, int) else stream.fileno()

    def _null(self) -> int:
        descriptor = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._to_close.append(descriptor)
        return descriptor

    def _pipe(self, number: int) -> int:
        reader, writer = os.pipe()
        child, own, mode = (reader, writer, "wb") if number == 0 else (writer, reader, "rb")
        self._to_close.append(child)
        self.own[number] = os.fdopen(own, mode, buffering=0)
        return child

    def close(self, *, own: bool = False) -> None:
        """Close what only the child needs; with ``own`` our ends too."""
        while self._to_close:
            os.close(self._to_close.pop())
        for stream in self.own if own else ():
            if stream is not None:
                stream.close()
