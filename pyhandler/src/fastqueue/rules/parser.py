# SPDX-License-Identifier: MIT
"""Reading a rule file line by line, and what all kinds of rules share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Generic, NamedTuple, NoReturn, TypeVar

from .. import abi
from .errors import RulesError

VERDICTS = {"accept": abi.ANSWER_ACCEPT, "drop": abi.ANSWER_DROP}
#: Limits of a rule file: more is refused before memory is taken for it.
MOST_FILE_BYTES, MOST_LINE_BYTES, MOST_RULES = 64 << 20, 65536, 1_000_000
_PIECE_BYTES = 65536
_PROGRESS_EVERY = 1000

Rule = TypeVar("Rule")
#: Called with the number of rules so far and the line that was read last.
Progress = Callable[[int, int], None]


class Ruleset(NamedTuple, Generic[Rule]):
    """Rules in their order, and the answer (``abi.ANSWER_*``) when none matches."""

    rules: list[Rule]
    default: int


class Line(NamedTuple):
    """One line of a rule file, for messages that say where they come from."""

    file: str
    number: int
    text: str

    def wrong(self, found: str, expected: str) -> NoReturn:
        """Raise RulesError about this line."""
        raise RulesError(self.file, self.number, found, expected)


def read_lines(path: str | os.PathLike[str]) -> Iterator[Line]:
    """Read a file's lines that are not empty or comments. Raises RulesError."""
    file = os.fspath(path)
    try:
        with Path(path).open("rb") as opened:
            data = _contents(opened)
    except MemoryError as error:
        raise RulesError(file, 0, "a file that does not fit into the memory", "fewer rules") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RulesError(file, 0, f"no readable file ({reason})", "a file with rules") from error
    if len(data) > MOST_FILE_BYTES:
        raise RulesError(file, 0, "a larger file", f"at most {MOST_FILE_BYTES >> 20} MiB of rules")
    return split_lines(file, data)


def _contents(opened: BinaryIO) -> bytes:
    """Read in pieces: asked for all at once, Python reserves the largest size first."""
    pieces, size = [], 0
    while size <= MOST_FILE_BYTES and (piece := opened.read(_PIECE_BYTES)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def split_lines(file: str, data: bytes) -> Iterator[Line]:
    """Split contents at newlines; every line must be UTF-8. Raises RulesError."""
    start, number = 0, 0
    while start <= len(data):
        number += 1
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = _line(file, number, data[start : min(end, start + MOST_LINE_BYTES + 1)])
        start = end + 1
        if line.text and not line.text.startswith("#"):
            yield line


def _line(file: str, number: int, raw: bytes) -> Line:
    if len(raw) > MOST_LINE_BYTES:
        raise RulesError(file, number, "a longer line", f"at most {MOST_LINE_BYTES} bytes in a line")
    if (nul := raw.find(0)) >= 0:
        raise RulesError(file, number, f"byte 0x00 at {nul}", r"text; \x00 in an expression is such a byte")
    try:
        return Line(file, number, raw.decode().strip())
    except UnicodeDecodeError as error:
        raise RulesError(file, number, f"byte {raw[error.start]:#04x}", "text in UTF-8") from error


def parse_lines(
    lines: Iterable[Line], parse: Callable[[Line], Rule], progress: Progress | None = None
) -> Ruleset[Rule]:
    """Parse rules with ``parse``, and at most one ``default accept|drop``; without one: accept.

    ``progress`` is called after every thousandth rule, and at the end.
    """
    rules: list[Rule] = []
    default: int | None = None
    for line in lines:
        words = line.text.partition("#")[0].split(maxsplit=2)
        if words[0] == "default":
            default = _default(line, default)
            continue
        if len(rules) >= MOST_RULES:
            line.wrong("another rule", f"at most {MOST_RULES} rules in a file")
        rules.append(parse(line))
        if progress and len(rules) % _PROGRESS_EVERY == 0:
            progress(len(rules), line.number)
    if progress and rules:
        progress(len(rules), line.number)
    return Ruleset(rules, abi.ANSWER_ACCEPT if default is None else default)


def _default(line: Line, before: int | None) -> int:
    words = line.text.partition("#")[0].split()
    if before is not None:
        line.wrong("a second default", "one default in a file")
    if len(words) != 2 or words[1] not in VERDICTS:
        line.wrong(quote(" ".join(words)), "default accept or default drop")
    return VERDICTS[words[1]]


def quote(text: str) -> str:
    """Show what a file has, with control characters made visible, shortened."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")
