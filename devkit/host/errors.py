# SPDX-License-Identifier: MIT
"""The one exception that a user of the kit sees: what happened, and what to do."""

from __future__ import annotations

from pathlib import Path

from devkit.host.terminal_text import one_line, printable, shortened

#: Kept in lines of output, which are one line each.
_TAB = "\t"
#: What is shown of a sentence (characters), and of the output (lines): a guest may have had a say in them.
_LONGEST = 2000
_MOST_LINES = 100


class KitError(Exception):
    """A failure the kit can explain.

    code:   short name, an anchor in docs/errors.md (``FQ-TUN``)
    what:   what happened, in one sentence; a very long one is cut off
    remedy: what the user can do, a command where there is one
    log:    file with the whole output, if there is one
    lines:  the last lines of that output, shown with the message, each cut off where it is very long
    status: exit status of the task
    """

    def __init__(
        self,
        code: str,
        what: str,
        remedy: str,
        *,
        log: Path | None = None,
        lines: list[str] | None = None,
        status: int = 1,
    ) -> None:
        self.what = shortened(what, _LONGEST)
        super().__init__(self.what)
        self.code = code
        self.remedy = remedy
        self.log = log
        self.lines = [shortened(line) for line in (lines or [])[-_MOST_LINES:]]
        self.status = status

    def __str__(self) -> str:
        """Return the message as the tasks print it.

        Names and output of others in it stay text: control characters are codes, and no line end in them
        begins a line that looks like one of the kit's.
        """
        parts = _folded(f"{self.code}: ", self.what)
        parts += [f"    | {_inner(shortened(line))}" for line in self.lines[-_MOST_LINES:]]
        if self.log is not None:
            parts.append(f"  log: {one_line(str(self.log))}")
        parts += _folded("  remedy: ", self.remedy)
        return "\n".join(parts)


def _folded(head: str, text: str) -> list[str]:
    first, *rest = text.split("\n")
    return [f"{head}{_inner(first)}", *(f"    | {_inner(line)}" for line in rest)]


def _inner(line: str) -> str:
    return printable(line, keep=_TAB)
