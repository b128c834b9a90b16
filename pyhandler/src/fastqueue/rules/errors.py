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
        super().__init__(f"{place}: found {found}, expected {expected}")
        self.file = file
        self.line = line
        self.found = found
        self.expected = expected
