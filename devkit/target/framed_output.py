# SPDX-License-Identifier: MIT
"""The output of one command, between two markers in what a shell sends."""

from __future__ import annotations

import re
from collections.abc import Callable

from devkit.host.run_command import last_lines

Sink = Callable[[bytes], None]

#: Most that is kept of a command's output (bytes) unless it has a limit of its own, and of one whose output
#: goes to a sink.
LONGEST_OUTPUT = 64 << 20
KEPT_BESIDE_SINK = 1 << 20

#: What follows the end marker: the status, or the word of a shell that did not run the command.
OTHER_SHELL = b"new"
_END = re.compile(rb"(\d{1,3}|new)\r?\n")
_LONGEST_END = 5


class Output:
    """What comes between the markers of one command, passed on as early as possible.

    The other end may send anything: work is in proportion to what comes, and what is kept has a limit.
    """

    def __init__(self, number: str, sink: Sink | None = None, limit: int | None = None) -> None:
        self.kept = bytearray()
        self.limit = LONGEST_OUTPUT if limit is None else limit
        self.status: int | None = None
        #: A shell that did not run the command has answered: the one that did is gone.
        self.other_shell = False
        #: More came than may be kept.
        self.too_long = False
        self._begin = re.compile(rf"fq-begin-{number}\r?\n".encode())
        self._mark = f"fq-end-{number}:".encode()
        self._longest = len(self._mark) + _LONGEST_END
        self._begun = self._dropping = False
        self._pending = b""
        self._sink = sink

    def feed(self, chunk: bytes) -> None:
        """Take what was read; sets ``status`` once the end marker is there."""
        self._pending += chunk
        if not self._begun:
            found = self._begin.search(self._pending)
            if not found:
                self._pending = self._pending[-self._longest :]
                return
            self._begun = True
            self._pending = self._pending[found.end() :]
        at = self._mark_at(0)
        while at < len(self._pending):
            rest = self._pending[at + len(self._mark) : at + self._longest]
            if ended := _END.match(rest):
                self._end(at, ended)
                return
            if len(rest) < _LONGEST_END and b"\n" not in rest:
                break
            at = self._mark_at(at + 1)
        self._pass(self._pending[:at])
        self._pending = self._pending[at:]

    def _mark_at(self, start: int) -> int:
        """Where the next end marker begins, or what may become one, or else the end."""
        found = self._pending.find(self._mark, start)
        if found >= 0:
            return found
        size = len(self._pending)
        for at in range(max(start, size - len(self._mark) + 1), size):
            if self._mark.startswith(self._pending[at:]):
                return at
        return size

    def _end(self, at: int, ended: re.Match[bytes]) -> None:
        self._pass(self._pending[:at])
        self._pending = b""
        if ended[1] == OTHER_SHELL:
            self.other_shell = True
        else:
            self.status = int(ended[1])

    def _pass(self, data: bytes) -> None:
        if not data:
            return
        if self._sink:
            self._sink(data)
            self.kept += data
            if len(self.kept) > 2 * KEPT_BESIDE_SINK:
                del self.kept[:-KEPT_BESIDE_SINK]
        elif not self._dropping:
            self.too_long = len(self.kept) + len(data) > self.limit
            self.kept += b"" if self.too_long else data

    def drop(self) -> None:
        """Keep no more than there is, and be content with that."""
        self.too_long, self._dropping = False, True

    def tail(self) -> list[str]:
        """Return the last lines so far, each cut off where it is very long."""
        return last_lines(self.kept)
