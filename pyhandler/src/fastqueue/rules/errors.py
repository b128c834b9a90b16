# SPDX-License-Identifier: MIT
"""The exception for rules that cannot be understood."""

from __future__ import annotations

from ..errors import FastQueueError


class RulesError(FastQueueError):
    """A rule file is wrong: ``file:line: found what is there, expected what should be``.

    line is 0 when the file as a whole cannot be read.
    """

    def __init__(self, file: str, line: int, found: str, expected: str) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(_visible(f"{place}: found {found}, expected {expected}"))
        self.file = file
        self.line = line
        self.found = found
        self.expected = expected


def _visible(text: str) -> str:
    """Return the text with escapes for all that is not printable: files and their names may hold anything."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
