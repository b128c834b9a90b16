# SPDX-License-Identifier: MIT
"""Tables on the terminal: too wide a one comes in parts, each with the columns that name its lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table as Shown

from devkit.bench.report.tables import Table

#: What a border and its spaces take beside a column.
_BORDER = 3
#: Of all columns of names together; names that are longer are broken between words.
_NAME = 24


def printed(title: str, table: Table, width: int) -> list[Shown]:
    """Return the table as rich has it, in as many parts as ``width`` (characters) needs; no figure is cut."""
    widths = [_width(column) + _BORDER for column in zip(table.head, *table.lines, strict=True)]
    keys = list(range(table.keys))
    names = sum(max(widths[key], _NAME // table.keys) for key in keys)
    groups = _groups(widths[table.keys :], width - 1 - names)
    return [
        _part(title if number == 0 else f"{title}, continued", table, [*keys, *columns])
        for number, group in enumerate(groups)
        if (columns := [table.keys + index for index in group])
    ]


def _width(column: Sequence[str]) -> int:
    """Characters that it cannot do without: of words the longest, of figures the whole cell."""
    heading, *cells = column
    figures = [cell for cell in cells if any(map(str.isdigit, cell)) and len(cell) < _NAME]
    words = [word for cell in (heading, *cells) for word in cell.split(" ")]
    return max(map(len, [*figures, *words]))


def _groups(widths: Sequence[int], room: int) -> list[list[int]]:
    """Indices of ``widths``, as many together as have room; one at least."""
    groups: list[list[int]] = [[]]
    left = room
    for index, width in enumerate(widths):
        if width > left and groups[-1]:
            groups.append([])
            left = room
        groups[-1].append(index)
        left -= width
    return groups


def _part(title: str, table: Table, columns: Sequence[int]) -> Shown:
    shown = Shown(title=title)
    for index in columns:
        name = index < table.keys
        figures = any(map(str.isdigit, "".join(line[index] for line in table.lines)))
        shown.add_column(
            table.head[index],
            justify="left" if name else "right",
            min_width=None if name or not figures else _width([line[index] for line in table.lines]),
        )
    for line in table.lines:
        shown.add_row(*(line[index] for index in columns))
    return shown
