# SPDX-License-Identifier: MIT
"""Every error code has an entry in docs/errors.md, and every entry a code."""

from __future__ import annotations

import re
from pathlib import Path

from devkit.host.errors import KitError
from devkit.host.paths import PROJECT

_CODE = re.compile(r"\bFQ-[A-Z]+(?:-[A-Z]+)*\b")


def _documented() -> list[str]:
    return re.findall(r"^## (FQ-[A-Z]+(?:-[A-Z]+)*)$", (PROJECT / "docs/errors.md").read_text(), re.MULTILINE)


def _used() -> set[str]:
    files = [PROJECT / "inv", *(PROJECT / "devkit").rglob("*.py")]
    return {code for path in files for code in _CODE.findall(path.read_text())}


def test_every_code_is_documented_once_and_in_order() -> None:
    assert _used() - set(_documented()) == set()
    assert _documented() == sorted(set(_documented()))


def test_nothing_else_is_documented() -> None:
    assert set(_documented()) - _used() == set()


def test_a_message_has_a_limit() -> None:
    error = KitError("FQ-TUN", "a" * 100_000, "load it", lines=["b" * 100_000] * 10_000)
    error.lines = error.lines * 10_000
    assert len(str(error)) < 100_000
    assert str(error).endswith("  remedy: load it")
    assert "aaa... (100000 characters)" in error.what


def test_message_has_what_lines_and_remedy() -> None:
    error = KitError("FQ-TUN", "no tap", "load it", lines=["first", "second"])
    assert str(error) == "FQ-TUN: no tap\n    | first\n    | second\n  remedy: load it"


def test_no_name_in_a_message_makes_a_line_of_its_own() -> None:
    error = KitError("FQ-TUN", "no tap\n  remedy: rm -r ~", "load a\nFQ-TUN: b", lines=["x\n  remedy: y"])
    assert str(error).splitlines() == [
        "FQ-TUN: no tap",
        "    |   remedy: rm -r ~",
        r"    | x\x0a  remedy: y",
        "  remedy: load a",
        "    | FQ-TUN: b",
    ]
    logged = KitError("FQ-TUN", "a", "b", log=Path("/x\n  remedy: y"))
    assert str(logged).splitlines()[1] == r"  log: /x\x0a  remedy: y"
