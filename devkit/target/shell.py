# SPDX-License-Identifier: MIT
"""Commands over a shell at the other end of a channel: output, exit status, time limit.

Every command is framed by two markers with a number of its own. The shell puts a marker together
from two words, so that neither an echo of the command line nor an older command can look like it.
"""

from __future__ import annotations

import base64
import contextlib
import math
import re
import secrets
import shlex
import time
from dataclasses import dataclass

from pexpect import EOF, TIMEOUT

from devkit.host.errors import KitError
from devkit.host.run_command import last_lines
from devkit.target.channel import Channel
from devkit.target.framed_output import OTHER_SHELL, Output, Sink

#: Ends a file sent through the channel; sent before a resynchronization too, in case one was cut off.
_HEREDOC = "fq-heredoc"

#: The terminal neither echoes nor translates, Ctrl-C reaches the command and not the shell. Lines
#: (icanon) rather than raw: on a raw terminal busybox edits what it reads, 1024 characters at most.
_PREPARE = "stty -echo -opost -ixon -iexten -icrnl icanon isig 2>/dev/null; trap : INT QUIT; PS1=; PS2="

#: Longer commands travel in a file (a terminal's line ends at 4096), and those with control characters.
_LONGEST_LINE = 2048
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

#: Seconds until a command is first checked to have its shell still; each time the wait is doubled.
_FIRST_LOOK = 2.0

_INTERRUPTS = ("\x03", "\x03", "\x1c")
_INTERRUPT_TIME = 2.0
_ANSWER_TIME = 1.0
_RESPAWN_TIME = 3.0
_SYNC_TIME = 5.0
_LONGEST_ANSWER = 64
_QUIET_TIME = 2.0
_TICK = 0.2


@dataclass(frozen=True)
class Result:
    """What a command left: exit status (128 + signal where one ended it) and output, both streams.

    Of an output that went to a sink only the last part is kept.
    """

    status: int
    raw: bytes

    @property
    def output(self) -> str:
        """The output as text; bytes that are not UTF-8 are replaced."""
        return self.raw.decode(errors="replace")


@dataclass(frozen=True)
class _Job:
    """What to call it, the command line, the text that the line reads as its heredoc, most of its output."""

    title: str
    line: str
    body: str = ""
    limit: int | None = None


class Shell:
    """One command after the other. Each runs in a shell of its own, with no standard input."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.dead = False
        #: Bytes in which an answer may have begun.
        self._heard = b""

    def call(self) -> re.Pattern[bytes]:
        """Ask the other end for a sign of life, and return the pattern of its answer."""
        number = secrets.token_hex(6)
        self.channel.send(f"\n{_PREPARE}; printf '%s%s\\n' fq-sync- {number}\n".encode())
        return re.compile(rf"fq-sync-{number}\r?\n".encode())

    def answered(self, pattern: re.Pattern[bytes], timeout: float) -> bool:
        """Whether the answer to call() comes within ``timeout`` seconds; EOF is pexpect's."""
        until = time.monotonic() + timeout
        while True:
            try:
                self._heard += self.channel.take(max(0.0, until - time.monotonic()))
            except TIMEOUT:
                return False
            found = pattern.search(self._heard)
            if found:
                self.channel.give_back(self._heard[found.end() :])
                self._heard = b""
                return True
            self._heard = self._heard[-_LONGEST_ANSWER:]
            if time.monotonic() > until:
                return False

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
        self,
        command: str,
        *,
        timeout: float = 60.0,
        sink: Sink | None = None,
        passes: bool = False,
        quiet: bool = False,
        limit: int | None = None,
    ) -> Result:
        """Run ``command`` (shell syntax) and return its status and output.

        ``sink`` is given the output as it comes. After ``timeout`` seconds the command is interrupted
        and KitError FQ-TIMEOUT raised; the channel stays usable, or is said to be lost (FQ-CHANNEL).
        Ctrl-C interrupts the command; with ``passes`` its status is then returned as if it ended itself.
        A shell that dies under the command is noticed in seconds (FQ-CHANNEL; the next command finds another
        shell), with ``quiet`` only at the time limit: then nothing is sent to the target meanwhile.
        FQ-OUTPUT where it prints more than ``limit`` bytes (LONGEST_OUTPUT by default) and there is no
        ``sink``.
        """
        deadline = time.monotonic() + timeout
        if len(command) < _LONGEST_LINE and not _CONTROL.search(command):
            job = _Job(command, f"sh -c {shlex.quote(command)}", limit=limit)
            return self._framed(job, deadline, sink, passes=passes, quiet=quiet)
        script = f"/tmp/.fq-{secrets.token_hex(6)}"
        self.put(command.encode() + b"\n", script, deadline=deadline)
        line = f"sh {script}; set -- $?; rm -f {script}; (exit $1)"
        job = _Job(command, f"{{ {line}; }}", limit=limit)
        return self._framed(job, deadline, sink, passes=passes, quiet=quiet)

    def put(self, data: bytes, destination: str, mode: int = 0o644, *, deadline: float = math.inf) -> None:
        """Write ``data`` to a file at the other end; KitError FQ-STATUS where that fails.

        ``deadline`` (of time.monotonic()) may be earlier than the time that so many bytes may take.
        """
        where = shlex.quote(destination)
        line = f"{{ base64 -d >{where} && chmod {mode:o} {where}; }} <<'{_HEREDOC}'"
        body = f"{base64.encodebytes(data).decode()}{_HEREDOC}\n"
        # a target in guest time on a busy host takes a tenth of what a serial line would
        deadline = min(deadline, time.monotonic() + 60 + len(body) / 1_000)
        result = self._framed(_Job(f"writing {destination}", line, body), deadline)
        if result.status:
            what = f"cannot write {destination} in the target"
            lines = last_lines(result.raw)
            raise KitError("FQ-STATUS", what, "check the path and the room there", lines=lines)

    def close(self) -> None:
        """Hang up."""
        self.channel.close()

    def _framed(
        self,
        job: _Job,
        deadline: float,
        sink: Sink | None = None,
        *,
        passes: bool = False,
        quiet: bool = False,
    ) -> Result:
        if self.dead:
            raise self._lost("the command channel was lost before")
        number = secrets.token_hex(6)
        begin = f"printf '%s%s\\n' fq-begin- {number}"
        end = f"printf '%s%s:%s\\n' fq-end- {number} $?"
        redirected = f"{job.line} 2>&1" if job.body else f"{job.line} </dev/null 2>&1"
        # A heredoc starts after the line that asks for it; the marker of the end is on that line.
        text = f"{begin}; {redirected}; {end}\n{job.body}"
        output = Output(number, sink, job.limit)
        begun = time.monotonic()
        try:
            self._send(text, deadline)
            self._collect(output, deadline, None if quiet else number)
        except KeyboardInterrupt:
            self._interrupt(output, number)
            if not passes:
                raise
        except TIMEOUT:
            early = time.monotonic() < begun + _RESPAWN_TIME
            self._interrupt(output, number, looks=2 if early else 1)
            if output.other_shell:
                raise self._bereft(output) from None
            what = f"no end within the time limit, interrupted: {job.title}"
            remedy = "allow more time, or look at the console (./inv console)"
            raise KitError("FQ-TIMEOUT", what, remedy, lines=output.tail()) from None
        if output.too_long:
            self._interrupt(output, number)
            what = f"more than {output.limit} bytes of output, interrupted: {job.title}"
            remedy = "send it to a file in the target, or less of it"
            raise KitError("FQ-OUTPUT", what, remedy, lines=output.tail())
        if output.other_shell:
            raise self._bereft(output)
        assert output.status is not None
        return Result(output.status, bytes(output.kept))

    def _send(self, text: str, deadline: float) -> None:
        try:
            self.channel.send(text.encode(), max(1.0, deadline - time.monotonic()))
        except KitError:
            # With half a line nobody knows what the shell would take the next one for.
            self.dead = True
            raise

    def _collect(self, output: Output, deadline: float, number: str | None = None) -> None:
        """Read until the command ends; TIMEOUT at ``deadline``, however much comes.

        ``number``: now and then its shell is told to speak when it is free. It is not as long as it runs the
        command; a shell that came in its place is.
        """
        begun = time.monotonic()
        wait = _FIRST_LOOK
        while output.status is None and not output.other_shell and not output.too_long:
            with contextlib.suppress(TIMEOUT):
                output.feed(self.channel.take(_TICK))
            spent = time.monotonic() - begun
            if begun + spent > deadline:
                if output.status is None:
                    raise TIMEOUT("the time limit is over")
            elif number is not None and spent > wait:
                # A slow target may still be at the text of the command: then this waits behind it.
                self._ask_for_another(number, deadline)
                wait *= 2

    def _ask_for_another(self, number: str, deadline: float) -> None:
        """Have a shell that reads say so. In the one that is busy the line waits and then means nothing."""
        end = f"printf '%s%s:%s\\n' fq-end- {number} {OTHER_SHELL.decode()}"
        self._send(f"{end}\n", deadline)

    def _interrupt(self, output: Output, number: str, *, looks: int = 0) -> None:
        """Stop the running command: Ctrl-C, again, Ctrl-\\; FQ-CHANNEL where it withstands.

        ``looks``: how often to look first whether its shell is gone, a second each. Ctrl-C may end the one
        that took its place, which comes a moment later.
        """
        output.drop()
        steps = [("", _ANSWER_TIME)] * looks
        steps += [*((key, _INTERRUPT_TIME) for key in _INTERRUPTS), ("", _RESPAWN_TIME)]
        for key, patience in steps:
            self._send(key, time.monotonic() + _INTERRUPT_TIME)
            self._ask_for_another(number, time.monotonic() + _INTERRUPT_TIME)
            with contextlib.suppress(TIMEOUT):
                self._collect(output, time.monotonic() + patience)
                return
        self.dead = True
        raise self._lost("a command cannot be interrupted", output.tail())

    def _bereft(self, output: Output) -> KitError:
        """The error for a command whose shell is gone; gets hold of the new shell."""
        with contextlib.suppress(KitError):
            self.synchronize()
        what = "the shell that ran the command is gone: it was killed, or memory was out"
        remedy = "another one has taken its place; dmesg in the target says whether memory was out"
        return KitError("FQ-CHANNEL", what, remedy, lines=output.tail())

    def _lost(self, what: str, lines: list[str] | None = None) -> KitError:
        remedy = "look at ./inv console; ./inv down and ./inv boot start afresh"
        return KitError("FQ-CHANNEL", what, remedy, lines=lines)


__all__ = ["EOF", "TIMEOUT", "Output", "Result", "Shell", "Sink"]
