# SPDX-License-Identifier: MIT
"""The command channel and the console: a guest may send anything, in any pieces."""

from __future__ import annotations

import re
import threading
from collections import deque
from unittest.mock import patch

from devkit.host.errors import KitError
from devkit.host.terminal_text import ConsoleFilter, Decoder, printable
from devkit.target import framed_output, shell
from devkit.target.channel import Channel
from devkit.target.framed_output import OTHER_SHELL, Output
from devkit.target.queue_counters import Counters, parse

from .choice import Choice

_NUMBER = "0123456789ab"
#: Bytes of output that are kept in these tests.
_LONGEST = 200
_ENDS = (b"0\n", b"0\r\n", b"17\n", b"127\n", b"999\n", b"1000\n", b"new\n", b"newer\n", b"\n", b"1")


def _pieces(choice: Choice, number: bytes) -> list[bytes]:
    """Bytes of choices, in pieces: markers whole and in part, ends of all kinds, text, anything."""
    parts = (
        b"fq-begin-%s\n" % number,
        b"fq-begin-%s\r\n" % number,
        b"fq-end-%s:" % number,
        b"fq-sync-%s\n" % number,
        b"fq-end-%s" % number[:-1],
        b"fq-end-0123:0\n",
        b"text\n",
        b"x" * 90,
        b"\n",
    )
    pieces = [b""]
    while len(pieces) < 40 and choice.left():
        kind = choice.number(0, 15)
        if kind < len(parts):
            pieces[-1] += parts[kind]
        elif kind < 12:
            pieces[-1] += choice.of(_ENDS)
        elif kind < 14:
            pieces[-1] += choice.some(8)
        else:
            pieces.append(b"")
    return pieces


def _expected(sent: bytes, number: bytes) -> tuple[bytes, bytes | None] | None:
    """What comes between the markers, and the word of the end; None before a beginning."""
    begun = re.search(rb"fq-begin-%s\r?\n" % number, sent)
    if not begun:
        return None
    body = sent[begun.end() :]
    ended = re.search(rb"fq-end-%s:(\d{1,3}|new)\r?\n" % number, body)
    return (body[: ended.start()], ended[1]) if ended else (body, None)


def command_output(data: bytes) -> None:
    """Take a command's output apart in pieces, and compare with an expression over all of it."""
    choice = Choice(data)
    passed: list[bytes] = []
    into_sink = bool(choice.byte() & 1)
    output = Output(_NUMBER, passed.append if into_sink else None, _LONGEST)
    sent = b""
    with patch.object(framed_output, "KEPT_BESIDE_SINK", _LONGEST):
        for piece in _pieces(choice, _NUMBER.encode()):
            output.feed(piece)
            sent += piece
            assert len(output._pending) < 100
            assert len(output.kept) <= 2 * _LONGEST
            if output.status is not None or output.other_shell or output.too_long:
                break
    expected = _expected(sent, _NUMBER.encode())
    body, word = expected or (b"", None)
    shown = b"".join(passed) if into_sink else bytes(output.kept)
    if output.too_long:
        assert not into_sink
        assert len(body) > _LONGEST
        assert body.startswith(shown)
        return
    assert output.other_shell == (word == OTHER_SHELL)
    assert output.status == (None if word is None or output.other_shell else int(word))
    assert body.startswith(shown)
    assert len(body) - len(shown) <= (0 if word else len(_NUMBER) + 13)
    assert body.endswith(bytes(output.kept)) or not into_sink or word is None
    assert all(printable(line) is not None for line in output.tail())


class _Guest:
    """The other end of a channel: answers the first command with what the choices say, then hangs up."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._answered = self._ended = False
        self.sent = b""
        self.number = b""

    def settimeout(self, timeout: float, /) -> None:
        pass

    def recv(self, size: int, /) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            return self._waiting.popleft() if self._waiting else b""

    def send(self, data: memoryview, /) -> int:
        found = re.search(rb"fq-(?:begin|sync)- ([0-9a-f]+)", bytes(data))
        with self._changed:
            if found and not self._answered:
                self._answered = True
                self.number = found[1]
                self._waiting += [piece for piece in _pieces(self._choice, found[1]) if piece]
                self.sent = b"".join(self._waiting)
                self._ended = True
                self._changed.notify_all()
        return len(data)

    def shutdown(self, how: int, /) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        pass


def guest_shell(data: bytes) -> None:
    """Run a command through a channel on which a guest says anything and hangs up."""
    choice = Choice(data)
    guest = _Guest(choice)
    passes, into_sink = bool(choice.byte() & 1), bool(choice.byte() & 1)
    passed: list[bytes] = []
    channel = Channel(guest)
    runs = shell.Shell(channel)
    with patch.multiple(framed_output, LONGEST_OUTPUT=_LONGEST), patch.object(shell, "_INTERRUPT_TIME", 0.1):
        try:
            done = runs.run("command", timeout=5.0, sink=passed.append if into_sink else None, passes=passes)
        except KitError as error:
            done = None
            assert error.code in {"FQ-CHANNEL", "FQ-OUTPUT"}
        except shell.EOF:
            done = None
        finally:
            channel.close()
    body, word = _expected(guest.sent, guest.number) or (b"", None)
    if done is None:
        assert word is None or word == OTHER_SHELL or len(body) > _LONGEST
    else:
        assert word is not None
        assert done.status == int(word)
        assert done.raw == body
        assert not into_sink or b"".join(passed) == body


_WORDS = (
    b"\x1b[0;31m",
    b"\x1b[2J",
    b"\x1b[?25h",
    b"\x1b]0;title\x07",
    b"\x1b]52;c;AAAA\x1b\\",
    b"\x1bP1$r\x1b\\",
    b"\x1b[6n",
    b"\x1b[21t",
    b"\xc2\x9b6n",
    b"\xe2\x80\xae",
    b"\x1b(B",
    b"\x1b",
    b"\x07",
    b"\r\n",
    b"\r",
    b"\xc2",
    b"[" + b"1;" * 40,
)
_SHOWN = re.compile(rb"\x1b(?:\[[?>!]?[0-9;:]*[ \"']?[@A-HJ-MPSTXZ`abdefghlmr]|[78DEHM=>]|[()][A-Z0-9])")
_REFUSED = re.compile(rb"[\x00-\x06\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]")


def console(data: bytes) -> None:
    """Show a console's stream: only text, a few controls and allowed sequences reach the terminal."""
    choice = Choice(data)
    shows, shown = ConsoleFilter(), b""
    decodes, whole, text = Decoder(), b"", ""
    while choice.left():
        kind = choice.number(0, 2 * len(_WORDS))
        piece = _WORDS[kind] if kind < len(_WORDS) else choice.some(9)
        shown += shows.feed(piece)
        text += decodes.feed(piece)
        whole += piece
        assert len(shows._rest) <= 65
        assert len(decodes._rest) <= 4
    left = _REFUSED.search(_SHOWN.sub(b" ", shown))
    assert left is None, (shown, left)
    text += decodes.feed(b"", last=True)
    assert text == Decoder().feed(whole, last=True)
    assert printable(text) == text


def counters(data: bytes) -> None:
    """Read the module's counters as a guest prints them: numbers of queues, or KitError."""
    text = data.decode(errors="replace")
    try:
        found = parse(text)
    except KitError as error:
        assert error.code == "FQ-COUNTERS"
        return
    assert all(isinstance(queue, int) for queue in found)
    assert all(isinstance(one, Counters) for one in found.values())
