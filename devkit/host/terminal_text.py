# SPDX-License-Identifier: MIT
"""Text of others on the user's terminal: what a guest, a log, a package or a disk's label says stays text.

A terminal takes orders within what it shows: to move the cursor over lines that are there, to change its
title or the clipboard, to answer as if the user typed. All that the kit prints goes through ``printable``.
"""

from __future__ import annotations

import codecs
import functools
import re

#: C0 and C1 controls, line and paragraph separators, and what changes the direction of text: first and last.
_CONTROLS = (
    (0x00, 0x1F), (0x7F, 0x9F), (0x61C, 0x61C), (0x200E, 0x200F), (0x2028, 0x202E), (0x2066, 0x2069),
)  # fmt: skip
_KEPT = "\n\t"
#: What is shown of a line of others (characters).
LONGEST_LINE = 500


def printable(text: str, keep: str = _KEPT) -> str:
    """Return ``text`` with each control character but those of ``keep`` as its code, such as ``\\x1b``."""
    return text.translate(_codes(keep))


def shortened(text: str, limit: int = LONGEST_LINE) -> str:
    """Return ``text``, or if it is longer than ``limit`` its beginning and how long it is."""
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def one_line(text: str) -> str:
    """Return ``text`` as a part of one line: line ends and tabs are codes too."""
    return printable(text, keep="")


@functools.cache
def _codes(keep: str) -> dict[int, str]:
    numbers = (number for first, last in _CONTROLS for number in range(first, last + 1))
    return {
        number: f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
        for number in numbers
        if chr(number) not in keep
    }


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


#: A parameter of a sequence, and a list of them.
_NUMBER = "[0-9]{0,4}"
_NUMBERS = f"{_NUMBER}(?:[;:]{_NUMBER}){{0,15}}"
#: Private modes that a console may set: cursor keys, wrapping, cursor, alternate screen, bracketed paste.
_MODE = "(?:1|7|25|47|104[789]|2004)"
#: What the console of a target may order: cursor movements, colours, parts of the screen, these modes.
#: Nothing that reports, that changes how keys are sent, or that lasts beyond leave().
_ALLOWED = re.compile(
    rf"\x1b(?:\[(?:{_NUMBERS}[@A-HLMPXZ`abdefmr]|[0-2]?[JK]|{_NUMBER}[ST]"
    rf"|\?{_MODE}(?:;{_MODE}){{0,7}}[hl])|[78DEM=>]|\([0B])"
)
#: A sequence up to its final character, of any kind.
_STARTED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)")
_LONGEST = 64
_CUTS_OFF = re.compile("[\x00-\x1f\x7f-\x9f]")
#: Strings for the terminal itself (OSC, DCS, APC, PM, SOS), which last until ST or BEL.
_STRINGS = re.compile(r"\x1b[\]P_^X]")
_STRING_END = re.compile("\x1b\\\\|[\x07\x18\x1a\x9c]")
_PLAIN = re.compile("[^\x00-\x06\x0b-\x0c\x0e-\x1f\x7f-\x9f]+")
_ALTERNATE = re.compile(r"\?(?:\d+;)*(?:47|1047|1049)(?:;\d+)*([hl])")
#: Back from the alternate screen.
_MAIN_SCREEN = "\x1b[?1049l"
#: Whole screen for scrolling (that moves the cursor, so it is saved and restored), character set, attributes,
#: insert mode, keys, wrapping, cursor, bracketed paste, keypad.
_RESET = "\x1b7\x1b[r\x1b8\x1b(B\x0f\x1b[m\x1b[4l\x1b[?1l\x1b[?7h\x1b[?25h\x1b[?2004l\x1b>"


class ConsoleFilter:
    """The stream of a target's console, without the orders that a guest may not give to the terminal.

    The stream is UTF-8; other bytes become replacement characters. ``encoding`` is that of the terminal.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._in_string = False
        self._alternate = False

    def feed(self, data: bytes) -> bytes:
        """Return what may be shown; an unfinished sequence at the end waits for the next piece."""
        text, self._rest = self._rest + self._decoder.decode(data), ""
        shown: list[str] = []
        at = 0
        while at < len(text) and not self._rest:
            if self._in_string:
                at = self._skip_string(text, at)
            elif plain := _PLAIN.match(text, at):
                shown.append(plain[0])
                at = plain.end()
            elif text[at] == "\x1b":
                at = self._sequence(text, at, shown)
            else:
                at += 1
        return "".join(shown).encode(self._encoding, "replace")

    def leave(self) -> bytes:
        """Return what gives the terminal back as it was: modes, character set, attributes and cursor."""
        return ((_MAIN_SCREEN if self._alternate else "") + _RESET).encode()

    def _skip_string(self, text: str, at: int) -> int:
        end = _STRING_END.search(text, at)
        if end:
            self._in_string = False
            return end.end()
        # The terminator may be cut in two.
        self._rest = "\x1b" if text.endswith("\x1b") else ""
        return len(text)

    def _sequence(self, text: str, at: int, shown: list[str]) -> int:
        if _STRINGS.match(text, at):
            self._in_string = True
            return at + 2
        if allowed := _ALLOWED.match(text, at):
            shown.append(allowed[0])
            if screen := _ALTERNATE.search(allowed[0]):
                self._alternate = screen[1] == "h"
            return allowed.end()
        started = _STARTED.match(text, at, at + _LONGEST)
        assert started is not None
        end = started.end()
        if end == len(text) and end - at < _LONGEST:
            self._rest = text[at:]
            return end
        # Its final character goes with it, unless it is a control of its own.
        return end if end == len(text) or _CUTS_OFF.match(text, end) else end + 1
