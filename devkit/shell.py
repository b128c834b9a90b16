# SPDX-License-Identifier: MIT
"""Commands over a shell at the other end of a channel: output, exit status, time limit.

Every command is framed by two markers with a number of its own. The shell puts a marker together
from two words, so that neither an echo of the command line nor an older command can look like it.
"""

from __future__ import annotations

import base64
import re
import secrets
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass

from pexpect import EOF, TIMEOUT

from devkit.channel import Channel
from devkit.command import TAIL_LINES
from devkit.errors import KitError

Sink = Callable[[bytes], None]

#: Ends a file sent through the channel; sent before a resynchronization too, in case one was cut off.
_HEREDOC = "fq-heredoc"

#: The terminal neither echoes nor translates, Ctrl-C reaches the command and not the shell. Lines
#: (icanon) rather than raw: on a raw terminal busybox edits what it reads, 1024 characters at most.
_PREPARE = "stty -echo -opost -ixon -iexten -icrnl icanon isig 2>/dev/null; trap : INT QUIT; PS1=; PS2="

#: Longer commands travel in a file (a terminal's line ends at 4096), and those with control characters.
_LONGEST_LINE = 2048
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_INTERRUPTS = (b"\x03", b"\x03", b"\x1c")
_INTERRUPT_TIME = 2.0
_SYNC_TIME = 5.0
_QUIET_TIME = 2.0
_TICK = 0.2


@dataclass(frozen=True)
class Result:
    """What a command left: exit status (128 + signal where one ended it) and output, both streams."""

    status: int
    raw: bytes

    @property
    def output(self) -> str:
        """The output as text; bytes that are not UTF-8 are replaced."""
        return self.raw.decode(errors="replace")


@dataclass(frozen=True)
class _Job:
    """What to call it, the command line, and the text that the line reads as its heredoc."""

    title: str
    line: str
    body: str = ""


class Shell:
    """One command after the other. Each runs in a shell of its own, with no standard input."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.dead = False

    def call(self) -> re.Pattern[bytes]:
        """Ask the other end for a sign of life, and return the pattern of its answer."""
        number = secrets.token_hex(6)
        self.channel.send(f"\n{_PREPARE}; printf '%s%s\\n' fq-sync- {number}\n".encode())
        return re.compile(rf"fq-sync-{number}\r?\n".encode())

    def answered(self, pattern: re.Pattern[bytes], timeout: float) -> bool:
        """Whether the answer to call() comes within ``timeout`` seconds; EOF is pexpect's."""
        try:
            self.channel.expect(pattern, timeout=timeout)
        except TIMEOUT:
            return False
        return True

    def synchronize(self, timeout: float = _SYNC_TIME) -> None:
        """Get hold of a shell somebody else used, whatever it is doing; FQ-CHANNEL if in vain.

        Ctrl-C only where the shell does not answer: it would end what was started in the background
        as well, such as a handler that is meant to stay.
        """
        if self.answered(self.call(), min(timeout, _QUIET_TIME)):
            return
        self.channel.send(f"\x03\n{_HEREDOC}\n".encode())
        if not self.answered(self.call(), timeout):
            self.dead = True
            raise self._lost("the command channel does not answer")

    def run(
        self, command: str, *, timeout: float = 60.0, sink: Sink | None = None, passes: bool = False
    ) -> Result:
        """Run ``command`` (shell syntax) and return its status and output.

        ``sink`` is given the output as it comes. After ``timeout`` seconds the command is interrupted
        and KitError FQ-TIMEOUT raised; the channel stays usable, or is said to be lost (FQ-CHANNEL).
        Ctrl-C interrupts the command; with ``passes`` its status is then returned as if it ended itself.
        """
        deadline = time.monotonic() + timeout
        if len(command) < _LONGEST_LINE and not _CONTROL.search(command):
            job = _Job(command, f"sh -c {shlex.quote(command)}")
            return self._framed(job, deadline, sink, passes=passes)
        script = f"/tmp/.fq-{secrets.token_hex(6)}"
        self.put(command.encode() + b"\n", script)
        line = f"sh {script}; set -- $?; rm -f {script}; (exit $1)"
        return self._framed(_Job(command, f"{{ {line}; }}"), deadline, sink, passes=passes)

    def put(self, data: bytes, destination: str, mode: int = 0o644) -> None:
        """Write ``data`` to a file at the other end; KitError FQ-STATUS where that fails."""
        where = shlex.quote(destination)
        line = f"{{ base64 -d >{where} && chmod {mode:o} {where}; }} <<'{_HEREDOC}'"
        body = f"{base64.encodebytes(data).decode()}{_HEREDOC}\n"
        # a target in guest time on a busy host takes a tenth of what a serial line would
        deadline = time.monotonic() + 60 + len(body) / 1_000
        result = self._framed(_Job(f"writing {destination}", line, body), deadline)
        if result.status:
            what = f"cannot write {destination} in the target"
            lines = result.output.splitlines()[-TAIL_LINES:]
            raise KitError("FQ-STATUS", what, "check the path and the room there", lines=lines)

    def close(self) -> None:
        """Hang up."""
        self.channel.close()

    def _framed(
        self, job: _Job, deadline: float, sink: Sink | None = None, *, passes: bool = False
    ) -> Result:
        if self.dead:
            raise self._lost("the command channel was lost before")
        number = secrets.token_hex(6)
        begin = f"printf '%s%s\\n' fq-begin- {number}"
        end = f"printf '%s%s:%s\\n' fq-end- {number} $?"
        redirected = f"{job.line} 2>&1" if job.body else f"{job.line} </dev/null 2>&1"
        # A heredoc starts after the line that asks for it; the marker of the end is on that line.
        text = f"{begin}; {redirected}; {end}\n{job.body}"
        output = Output(number, sink)
        try:
            self.channel.send(text.encode(), max(1.0, deadline - time.monotonic()))
            self._collect(output, deadline)
        except KeyboardInterrupt:
            self._interrupt(output)
            if not passes:
                raise
        except TIMEOUT:
            self._interrupt(output)
            what = f"no end within the time limit, interrupted: {job.title}"
            remedy = "allow more time, or look at the console (./inv console)"
            raise KitError("FQ-TIMEOUT", what, remedy, lines=output.tail()) from None
        assert output.status is not None
        return Result(output.status, bytes(output.kept))

    def _collect(self, output: Output, deadline: float) -> None:
        while output.status is None:
            try:
                output.feed(self.channel.take(_TICK))
            except TIMEOUT:
                if time.monotonic() > deadline:
                    raise

    def _interrupt(self, output: Output) -> None:
        """Stop the running command: Ctrl-C, again, Ctrl-\\; FQ-CHANNEL where it withstands."""
        for key in _INTERRUPTS:
            self.channel.send(key)
            try:
                self._collect(output, time.monotonic() + _INTERRUPT_TIME)
            except TIMEOUT:
                continue
            return
        self.dead = True
        raise self._lost("a command cannot be interrupted", output.tail())

    def _lost(self, what: str, lines: list[str] | None = None) -> KitError:
        remedy = "look at ./inv console; ./inv down and ./inv boot start afresh"
        return KitError("FQ-CHANNEL", what, remedy, lines=lines)


class Output:
    """What comes between the markers of one command, passed on as early as possible."""

    def __init__(self, number: str, sink: Sink | None = None) -> None:
        self.kept = bytearray()
        self.status: int | None = None
        self._begin = re.compile(rf"fq-begin-{number}\r?\n".encode())
        self._mark = f"fq-end-{number}:".encode()
        self._end = re.compile(re.escape(self._mark) + rb"(\d+)\r?\n")
        self._begun = False
        self._pending = b""
        self._sink = sink

    def feed(self, chunk: bytes) -> None:
        """Take what was read; sets ``status`` once the end marker is there."""
        self._pending += chunk
        if not self._begun:
            found = self._begin.search(self._pending)
            if not found:
                return
            self._begun = True
            self._pending = self._pending[found.end() :]
        ended = self._end.search(self._pending)
        cut = ended.start() if ended else self._certain()
        self._pass(self._pending[:cut])
        self._pending = self._pending[cut:]
        if ended:
            self.status = int(ended[1])

    def _certain(self) -> int:
        """Length of what cannot be part of the end marker."""
        start = self._pending.rfind(self._mark)
        if start >= 0:
            return start
        longest = min(len(self._mark), len(self._pending))
        sizes = (size for size in range(longest, 0, -1) if self._pending.endswith(self._mark[:size]))
        return len(self._pending) - next(sizes, 0)

    def _pass(self, data: bytes) -> None:
        if data:
            self.kept += data
            if self._sink:
                self._sink(data)

    def tail(self) -> list[str]:
        """Return the last lines so far."""
        return self.kept.decode(errors="replace").splitlines()[-TAIL_LINES:]


__all__ = ["EOF", "TIMEOUT", "Output", "Result", "Shell", "Sink"]
