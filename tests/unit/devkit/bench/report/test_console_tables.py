# SPDX-License-Identifier: MIT
import io

import pytest
from rich.console import Console

from devkit.bench.report.console_tables import printed
from devkit.bench.report.tables import Table

TABLE = Table(
    ("path", "1400 bytes, IPv6", "3,000 packets/s", "highest rate"),
    [("plain forwarding", "6,682 ±2", "10,396", "165,289"), ("Fast Queue, C", "8,235", "14,646", "131,868")],
)


def text(width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    for part in printed("Costs", TABLE, width):
        console.print(part)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_nothing_is_cut_whatever_the_width(width: int) -> None:
    shown = text(width)
    assert "…" not in shown
    for word in (*TABLE.lines[0][1:], *TABLE.lines[1][1:], "packets/s", "highest"):
        assert word in shown
    assert max(map(len, shown.splitlines())) <= width


def test_all_names_are_in_each_part() -> None:
    both = Table(("card", "path", "cost"), [("virtio", "plain", "1")] * 2, keys=2)
    assert [column.header for column in printed("Cards", both, 20)[-1].columns] == ["card", "path", "cost"]


def test_a_wide_terminal_has_it_in_one_part() -> None:
    assert len(printed("Costs", TABLE, 200)) == 1
    parts = printed("Costs", TABLE, 40)
    assert {part.title for part in parts} == {"Costs", "Costs, continued"}
    assert all(part.columns[0].header == "path" for part in parts)
