# SPDX-License-Identifier: MIT
"""All queues of the network namespace, from ``/proc/net/fastqueue``, for people and for programs."""

from __future__ import annotations

from pathlib import Path

from . import abi
from .errors import QueueError

Row = dict[str, int | str]

# Column of the table: its heading, and the fields whose sum it shows.
_COLUMNS = (
    ("QUEUE", ("queue",)),
    ("OWNER", ("owner",)),
    ("FRAMES", ("frames",)),
    ("IN RING", ("occupied",)),
    ("RECEIVED", ("received",)),
    ("ACCEPTED", ("accepted",)),
    ("DROPPED", ("dropped",)),
    ("REFUSED", ("refused",)),
    ("FLUSHED", ("flushed",)),
    ("TIMED OUT", ("timed_out",)),
    ("NO FRAME", ("default_accepted", "default_dropped")),
    ("NO MEMORY", ("over_memory",)),
    ("INVALID", ("invalid_words",)),
    ("WAKE-UPS", ("wakeups",)),
    ("TICKS", ("ticks",)),
    ("DEFAULT", ("default_action",)),
)


def read_status() -> list[Row]:
    """Return one row a queue, with the kernel's names. Raises QueueError."""
    path = abi.PROC_FILE
    try:
        text = Path(path).read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise QueueError(
            f"{path} is not there: the module is not loaded", "load it: modprobe fastqueue"
        ) from error
    except OSError as error:
        raise QueueError(f"{path}: {error.strerror}", "look at its permissions", error.errno or 0) from error
    return parse_status(text)


def parse_status(text: str) -> list[Row]:
    """Read the file's contents: a line with names, then one line a queue."""
    names, *lines = [line.split() for line in text.splitlines()] or [[]]
    return [dict(zip(names, map(_value, line), strict=False)) for line in lines]


def format_status(rows: list[Row]) -> str:
    """Lay the rows out as a table; fields that an older module lacks are shown as ``-``."""
    if not rows:
        return "no queue has a handler"
    table = [[heading for heading, _ in _COLUMNS]]
    table += [[_cell(row, fields) for _, fields in _COLUMNS] for row in rows]
    return "\n".join(lay_out(table))


def lay_out(table: list[list[str]]) -> list[str]:
    """Return lines of a table with its columns to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in table]


def _cell(row: Row, fields: tuple[str, ...]) -> str:
    values = [row[field] for field in fields if field in row]
    if len(values) < len(fields):
        return "-"
    numbers = [value for value in values if isinstance(value, int)]
    return str(sum(numbers)) if len(numbers) == len(values) else " ".join(map(str, values))


def _value(word: str) -> int | str:
    try:
        return int(word, 0)
    except ValueError:
        return word
