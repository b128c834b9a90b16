# SPDX-License-Identifier: MIT
"""Invoke's command line as ./inv has it: wrong arguments end with a message and a remedy."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until all is loaded Ctrl-C just ends it, without a traceback. Not where it is ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from importlib.metadata import version

from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from devkit.host.errors import KitError

#: Of wrong arguments, as for most commands.
USAGE = 2
#: Options of flash that take the word after them.
_FLASH_VALUES = {"--device", "--image", "--board"}
_ANY_TASK = "./inv --list shows the tasks, ./inv --help TASK their arguments"


class Inv(Program):
    """Invoke with tasks.py of this project."""

    def __init__(self) -> None:
        super().__init__(
            version=version("fastqueue-devkit"), name="Fast Queue development kit", binary="./inv"
        )

    def parse_core(self, argv: list[str] | None) -> None:
        """Parse invoke's own options."""
        try:
            super().parse_core(with_device(sys.argv if argv is None else argv))
        except ParseError as error:
            raise _wrong_arguments(error) from error

    def parse_tasks(self) -> None:
        """Parse the tasks and their options."""
        try:
            super().parse_tasks()
        except ParseError as error:
            raise _wrong_arguments(error) from error
        except ValueError as error:  # what int() and float() say to a word that is no number
            raise _usage(f"a number was expected: {error}", _ANY_TASK) from error


def _wrong_arguments(error: ParseError) -> Exit:
    context = error.context.name if error.context else None
    return _usage(str(error), f"./inv --help {context}" if context else _ANY_TASK)


def _usage(what: str, remedy: str) -> Exit:
    return Exit(str(KitError("FQ-ARGUMENT", what, remedy)), USAGE)


def with_device(argv: list[str]) -> list[str]:
    """``flash DEVICE`` as ``flash --device DEVICE``: invoke knows no optional arguments by position."""
    words = [index for index in range(1, len(argv)) if not argv[index].startswith("-")]
    tasks = [index for index in words if argv[index - 1] != "--search-root"]
    if not tasks or argv[tasks[0]] != "flash":
        return argv
    for index in range(tasks[0] + 1, len(argv)):
        if not argv[index].startswith("-") and argv[index - 1] not in _FLASH_VALUES:
            return [*argv[:index], "--device", *argv[index:]]
    return argv


def after_dashes(argv: list[str] | None = None) -> list[str]:
    """Words after ``--`` on the command line as they were typed (invoke joins them with spaces)."""
    words = sys.argv if argv is None else argv
    return words[words.index("--") + 1 :] if "--" in words else []


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    Inv().run()


if __name__ == "__main__":
    main()
