# SPDX-License-Identifier: MIT
"""Disks of programs beside the image: words of the user, of QEMU and of the target."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit import addition, profile, qemu
from devkit.addition import Addition
from devkit.build import suricata
from devkit.errors import KitError

_TOOLS = Addition("tools", "/mnt/tool", "/mnt", 100, lambda: Path("/i/tools,1.squashfs"))


def test_a_word_that_there_is_not_is_told_with_those_that_there_are() -> None:
    assert addition.chosen("") is None
    found = addition.chosen("suricata")
    assert found is not None
    assert found.program == suricata.PROGRAM
    with pytest.raises(KitError, match="snort") as told:
        addition.chosen("snort")
    assert "suricata" in told.value.remedy


def test_the_disk_can_only_be_read_and_is_known_by_its_serial_number() -> None:
    words = _TOOLS.arguments()
    assert words[1] == "driver=file,node-name=addition,filename=/i/tools,,1.squashfs,read-only=on"
    serial = words[3].partition("serial=")[2]
    assert serial in _TOOLS.mount()
    assert _TOOLS.mount().endswith(" /mnt")


def test_the_command_that_boots_it_again_names_it() -> None:
    machine = qemu.Machine(profile.load("p3"), addition=_TOOLS)
    assert "--with tools" in machine.command()


def test_files_of_the_disk_and_libraries_that_the_image_lacks(tmp_path: Path) -> None:
    unpacked, base = tmp_path / "unpacked", tmp_path / "base"
    program = unpacked / "usr/bin/suricata"
    for path in (program, unpacked / "usr/bin/other"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no ELF file")
    found = suricata.selected(unpacked, base)
    assert found == {"usr/bin/suricata": program}
