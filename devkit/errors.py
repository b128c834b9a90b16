# SPDX-License-Identifier: MIT
"""The one exception that a user of the kit sees: what happened, and what to do."""

from __future__ import annotations

from pathlib import Path

from devkit.printable import printable, shortened

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
        """Message as the tasks print it: of what a guest or a log said, control characters are codes."""
        parts = [f"{self.code}: {self.what}"]
        parts += [f"    | {printable(shortened(line), keep=_TAB)}" for line in self.lines[-_MOST_LINES:]]
        if self.log is not None:
            parts.append(f"  log: {self.log}")
        parts.append(f"  remedy: {self.remedy}")
        return printable("\n".join(parts))
