# SPDX-License-Identifier: MIT
"""Disks of programs beside the image: words of the user, of QEMU and of the target."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devkit.hardware import machine_profile
from devkit.host.errors import KitError
from devkit.image import squashfs
from devkit.image.debian import suricata_disk
from devkit.qemu import command_line, extra_disk
from devkit.qemu.extra_disk import ExtraDisk

_TOOLS = ExtraDisk("tools", "/mnt/tool", "/mnt", 100, lambda rootfs: rootfs.with_name("tools,1.squashfs"))


def test_a_word_that_there_is_not_is_told_with_those_that_there_are() -> None:
    assert extra_disk.parse("") is None
    found = extra_disk.parse("suricata")
    assert found is not None
    assert found.program == suricata_disk.PROGRAM
    with pytest.raises(KitError, match="snort") as told:
        extra_disk.parse("snort")
    assert "suricata" in told.value.remedy


def test_the_disk_can_only_be_read_and_is_known_by_its_serial_number() -> None:
    words = _TOOLS.arguments(Path("/i/tools,1.squashfs"))
    assert words[1] == "driver=file,node-name=addition,filename=/i/tools,,1.squashfs,read-only=on"
    serial = words[3].partition("serial=")[2]
    assert serial in _TOOLS.mount()
    assert _TOOLS.mount().endswith(" /mnt")


def test_the_command_that_boots_it_again_names_it() -> None:
    machine = command_line.QemuMachine(machine_profile.load("p3"), addition=_TOOLS)
    assert "--with tools" in machine.command()


#: A program of the host that needs libraries with versions of symbols stands for Suricata.
_LIBRARIES = ("libselinux.so.1", "libpcre2-8.so.0", "libc.so.6", "ld-linux-x86-64.so.2")


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """Debian's packages: the program, its libraries, and a program that nobody asked for."""
    root = tmp_path / "unpacked"
    for path in (root / "usr/bin/suricata", root / "usr/bin/other"):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile("/bin/ls", path)
    return _with_libraries(root, "usr/lib/i386-linux-gnu", *_LIBRARIES)


def _with_libraries(root: Path, place: str, *names: str) -> Path:
    (root / place).mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(Path("/lib/x86_64-linux-gnu", name), root / place / name)
    return root


@pytest.mark.parametrize("place", ["usr/lib", "usr/lib/i386-linux-gnu"], ids=["buildroot", "debian"])
def test_the_disk_has_the_program_and_the_libraries_that_the_image_lacks(
    unpacked: Path, tmp_path: Path, place: str
) -> None:
    base = _with_libraries(tmp_path / "base", place, *_LIBRARIES[1:])
    found = suricata_disk.selected(unpacked, base)
    assert set(found) == {"usr/bin/suricata", "lib/libselinux.so.1"}
    assert all(path.is_relative_to(unpacked) for path in found.values())


def test_a_library_of_another_build_is_debians(unpacked: Path, tmp_path: Path) -> None:
    base = _with_libraries(tmp_path / "base", "usr/lib", *_LIBRARIES)
    with (base / "usr/lib/libpcre2-8.so.0").open("ab") as file:
        file.write(b"another build")
    assert set(suricata_disk.selected(unpacked, base)) == {"usr/bin/suricata", "lib/libpcre2-8.so.0"}


def test_the_c_library_is_the_images_and_has_to_be_new_enough(unpacked: Path, tmp_path: Path) -> None:
    base = _with_libraries(tmp_path / "base", "usr/lib", *_LIBRARIES)
    libc = base / "usr/lib/libc.so.6"
    with libc.open("ab") as file:
        file.write(b"another build")
    assert set(suricata_disk.selected(unpacked, base)) == {"usr/bin/suricata"}
    shutil.copyfile(base / "usr/lib/libselinux.so.1", libc)
    with pytest.raises(KitError, match=r"needs GLIBC_\S+, which the image's libc\.so\.6 has not") as told:
        suricata_disk.selected(unpacked, base)
    assert told.value.code == "FQ-LIBRARY"


def test_what_the_disk_is_made_for_is_the_images_libraries(tmp_path: Path) -> None:
    def listed(name: str, *more: str) -> list[str]:
        root = _with_libraries(tmp_path / name, "usr/lib", "libselinux.so.1")
        for path in more:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(path)
        squashfs.pack(root, root.with_suffix(".squashfs"), tmp_path / "log")
        return suricata_disk.libraries_of(root.with_suffix(".squashfs"))

    found = listed("one")
    assert len(found) == 1
    assert listed("two", "usr/bin/one", "usr/lib/libfastqueue.so.1", "usr/lib/kit/libselinux.so.1") == found
    assert listed("three", "usr/lib/libz.so.1") != found
