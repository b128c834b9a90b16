# SPDX-License-Identifier: MIT
from itertools import pairwise
from pathlib import Path

import pytest

from devkit.hardware import board, cpu_class
from devkit.host.errors import KitError

GOOD = """
summary = "a board"
cpu = "pentium3"
memory = 128
[console]
device = "ttyS0"
baud = 115200
[disk]
device = "sda"
bus = "ide"
option = "ATA_PIIX"
[[nics]]
count = 2
driver = "e1000"
option = "E1000"
"""
CONFIGURATION = board.FOLDER / "common" / "linux.config"


def described(folder: Path, text: str) -> board.Board:
    (folder / "mine").mkdir()
    (folder / "mine" / "board.toml").write_text(text)
    return board.load("mine", folder)


def test_a_board_is_read(tmp_path: Path) -> None:
    mine = described(tmp_path, GOOD)
    assert mine.console == board.Console("ttyS0", 115200)
    assert mine.disk.bus == "ide"
    assert mine.nics == (board.Nics(2, "e1000", "E1000"),)


@pytest.mark.parametrize("name", board.names())
def test_what_a_board_that_runs_the_image_needs_is_in_the_kernel(name: str) -> None:
    one = board.load(name)
    if not one.lacking(cpu_class.IMAGE_CLASSES["i386"]):
        options = CONFIGURATION.read_text().splitlines()
        for option in (one.disk.option, *(nics.option for nics in one.nics)):
            assert f"CONFIG_{option}=y" in options or f"CONFIG_{option}=m" in options


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("qemu-pc", []),
        ("pentium3-pc", []),
        ("alix2d13", ["fxsr", "sse"]),
        ("net4801", ["fxsr", "sse"]),
    ],
)
def test_boards_of_this_project(name: str, lacks: list[str]) -> None:
    assert board.load(name).lacking("pentium3") == lacks


def test_an_image_that_a_board_cannot_run_is_refused() -> None:
    with pytest.raises(KitError, match="lacks fxsr, sse: an image for pentium3 cannot run") as caught:
        board.load("alix2d13").check("pentium3")
    assert caught.value.code == "FQ-BOARD"
    assert "pentium3-pc, qemu-pc" in caught.value.remedy
    board.load("qemu-pc").check("pentium3")
    board.load("alix2d13").check("i586")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"pentium3"', '"pentium9"', "no CPU class 'pentium9'"),
        ("memory = 128", 'memory = "128"', "memory must be there, and a int"),
        ("baud = 115200", "", "baud"),
        ('bus = "ide"', 'bus = "ide"\ncolour = 1', "colour"),
        ('summary = "a board"', 'summary = "a board"\nheight = 1', "height"),
        ("[disk]", "[disk", "."),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(KitError, match=said) as caught:
        described(tmp_path, GOOD.replace(old, new))
    assert caught.value.code == "FQ-BOARD"


def test_an_unknown_board() -> None:
    with pytest.raises(KitError, match="no board 'toaster'") as caught:
        board.load("toaster")
    assert "qemu-pc" in caught.value.remedy


def test_classes_contain_what_came_before() -> None:
    line = ["i586", "i686", "pentium2", "pentium3", "pentium4", "x86-64"]
    for older, newer in pairwise(line):
        assert cpu_class.lacking(newer, older) == []
        assert cpu_class.lacking(older, newer)


def test_an_unknown_class() -> None:
    with pytest.raises(KitError, match="'z80'"):
        cpu_class.lacking("pentium3", "z80")
