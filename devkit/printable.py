# SPDX-License-Identifier: MIT
"""Text of others on the user's terminal: what a guest, a log, a package or a disk's label says stays text.

A terminal takes orders within what it shows: to move the cursor over lines that are there, to change its
title or the clipboard, to answer as if the user typed. All that the kit prints goes through ``printable``.
"""

from __future__ import annotations

import re

#: C0 and C1 controls, line and paragraph separators, and what changes the direction of text.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_KEPT = "\n\t"


def printable(text: str, keep: str = _KEPT) -> str:
    """Return ``text`` with each control character but those of ``keep`` as its code, such as ``\\x1b``."""
    return _CONTROLS.sub(lambda found: found[0] if found[0] in keep else _code(found[0]), text)


def one_line(text: str) -> str:
    """Return ``text`` as a part of one line: line ends and tabs are codes too."""
    return printable(text, keep="")


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


class Decoder:
    """Bytes that come in pieces as printable text. A carriage return ends a line."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes, *, last: bool = False) -> str:
        """Return the text of ``data``; an unfinished character at its end waits for the next piece."""
        data = self._rest + data
        cut = len(data) if last else _whole(data)
        data, self._rest = data[:cut], data[cut:]
        return printable(data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n"))


def _whole(data: bytes) -> int:
    """Length of ``data`` without an unfinished UTF-8 character or a lone carriage return at its end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        unfinished = needed > back or (byte == 0x0D and back == 1)
        return len(data) - back if unfinished else len(data)
    return len(data)


#: What the console of a target may tell a terminal: cursor, colours, parts of the screen; no titles,
#: clipboard, reports or window sizes. Each sequence begins with ESC; the longest that is taken has 64 bytes.
_ALLOWED = re.compile(rb"\x1b(?:\[[?>!]?[0-9;:]*[ \"']?[@A-HJ-MPSTXZ`abdefghlmr]|[78DEHM=>]|[()][A-Z0-9])")
_STARTED = re.compile(rb"\x1b(?:\[[?>!]?[0-9;:]*[ \"']?|[()])?")
_LONGEST = 64
#: Strings for the terminal itself (OSC, DCS, APC, PM, SOS), which last until ST or BEL.
_STRINGS = re.compile(rb"\x1b[\]P_^X]")
_STRING_END = re.compile(rb"\x1b\\|\x07|\x18|\x1a|\x9c")
_PLAIN = re.compile(rb"[^\x00-\x06\x0b-\x0c\x0e-\x1f\x7f]+")


class ConsoleFilter:
    """The stream of a target's console without what a guest has no business to do to the terminal."""

    def __init__(self) -> None:
        self._rest = b""
        self._in_string = False

    def feed(self, data: bytes) -> bytes:
        """Return what may be shown; an unfinished sequence at the end waits for the next piece."""
        data, self._rest = self._rest + data, b""
        shown = bytearray()
        at = 0
        while at < len(data):
            if self._in_string:
                at = self._skip_string(data, at)
            elif plain := _PLAIN.match(data, at):
                shown += plain[0]
                at = plain.end()
            elif data[at] == 0x1B:
                at = self._sequence(data, at, shown)
            else:
                at += 1
            if self._rest:
                break
        if shown.endswith(b"\xc2"):
            # The begin of a C1 control, perhaps.
            del shown[-1]
            self._rest = b"\xc2" + self._rest
        return _without_c1(bytes(shown))

    def _skip_string(self, data: bytes, at: int) -> int:
        end = _STRING_END.search(data, at)
        if end:
            self._in_string = False
            return end.end()
        # The terminator may be cut in two.
        self._rest = data[-1:] if data[-1:] == b"\x1b" and at < len(data) else b""
        return len(data)

    def _sequence(self, data: bytes, at: int, shown: bytearray) -> int:
        if _STRINGS.match(data, at):
            self._in_string = True
            return at + 2
        if allowed := _ALLOWED.match(data, at):
            shown += allowed[0]
            return allowed.end()
        started = _STARTED.match(data, at)
        assert started is not None
        if started.end() == len(data) and len(data) - at < _LONGEST:
            self._rest = data[at:]
            return len(data)
        # Its final byte goes with it.
        return started.end() + (started.end() > at + 1)


def _without_c1(data: bytes) -> bytes:
    """C1 controls as UTF-8 has them are controls to a terminal too."""
    return re.sub(rb"\xc2[\x80-\x9f]", b"?", data)
