# SPDX-License-Identifier: MIT
"""Reading a rule file line by line, and what all kinds of rules share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, NoReturn, TypeVar

from .. import abi
from .errors import RulesError

VERDICTS = {"accept": abi.ANSWER_ACCEPT, "drop": abi.ANSWER_DROP}

Rule = TypeVar("Rule")


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


def read_lines(path: str | os.PathLike[str]) -> list[Line]:
    """Read a file's lines that are not empty or comments. Raises RulesError."""
    file = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RulesError(file, 0, f"no readable file ({reason})", "a file with rules") from error
    return split_lines(file, data)


def split_lines(file: str, data: bytes) -> list[Line]:
    """Split contents at newlines; every line must be UTF-8. Raises RulesError."""
    lines = []
    for number, raw in enumerate(data.split(b"\n"), start=1):
        try:
            line = Line(file, number, raw.decode().strip())
        except UnicodeDecodeError as error:
            raise RulesError(file, number, f"byte {raw[error.start]:#04x}", "text in UTF-8") from error
        if line.text and not line.text.startswith("#"):
            lines.append(line)
    return lines


def parse_lines(lines: list[Line], parse: Callable[[Line], Rule]) -> Ruleset[Rule]:
    """Parse rules with ``parse``, and at most one ``default accept|drop``; without one: accept."""
    rules = []
    default: int | None = None
    for line in lines:
        words = line.text.partition("#")[0].split()
        if words[0] != "default":
            rules.append(parse(line))
            continue
        if default is not None:
            line.wrong("a second default", "one default in a file")
        if len(words) != 2 or words[1] not in VERDICTS:
            line.wrong(quote(" ".join(words)), "default accept or default drop")
        default = VERDICTS[words[1]]
    return Ruleset(rules, abi.ANSWER_ACCEPT if default is None else default)


def quote(text: str) -> str:
    """Show what a file has, with control characters made visible, shortened."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")
