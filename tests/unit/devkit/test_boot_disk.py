# SPDX-License-Identifier: MIT
"""Disks that a target boots from, as QEMU's arguments."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

import pytest

from devkit import boot_disk, profile, qemu
from devkit.errors import KitError
from devkit.lab import topology


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk,1.img"
    path.touch()
    return path


def arguments(disk: boot_disk.Disk) -> list[str]:
    return qemu.arguments(
        qemu.Machine(profile.load("p3"), disk=disk), kernel=Path("/i/bzImage"), rootfs=Path("/i/rootfs"),
        topology=topology.load(), sockets=qemu.Sockets(Path("/run/lab")), log=Path("/logs/kernel.log"),
    )  # fmt: skip


@pytest.mark.parametrize("bus", boot_disk.BUSES)
def test_firmware_boots_the_disk_and_qemu_loads_nothing(bus: str, image: Path) -> None:
    argv = arguments(boot_disk.Disk(image, bus))
    assert not {"-kernel", "-append", "-initrd"} & set(argv)
    drives = [after for word, after in itertools.pairwise(argv) if word == "-drive"]
    name = str(image).replace(",", ",,")
    assert drives == [f"if=none,id=disk,format=raw,file={name},snapshot=on"]
    assert sum("drive=disk" in word for word in argv) == 1
    assert "i6300esb" in argv
    assert "-no-reboot" in argv


def test_a_disk_of_the_users_own_keeps_what_is_written(image: Path) -> None:
    disk = boot_disk.chosen("disk", "usb", str(image))
    assert disk is not None
    argv = arguments(disk)
    assert "snapshot=on" not in argv[argv.index("-drive") + 1]
    assert "-no-reboot" not in argv
    assert (
        qemu.Machine(profile.load("p3"), disk=disk)
        .command()
        .endswith(f"--from disk --bus usb --disk {image}")
    )


def test_without_a_disk_the_kernel_is_loaded() -> None:
    assert boot_disk.chosen("kernel") is None


@pytest.mark.parametrize(
    "words", [("floppy",), ("disk", "scsi"), ("disk", "ide", "/no/such/file"), ("kernel", "ide", "x.img")]
)
def test_wrong_words(words: tuple[str, ...]) -> None:
    with pytest.raises(KitError) as caught:
        boot_disk.chosen(*words)
    assert caught.value.code == "FQ-ARGUMENT"


def test_a_disk_brings_its_own_kernel_arguments(image: Path) -> None:
    with pytest.raises(KitError) as caught:
        qemu.Machine(profile.load("p3"), disk=boot_disk.Disk(image), kernel_args="quiet")
    assert caught.value.code == "FQ-ARGUMENT"


@pytest.mark.parametrize(("answer", "refused"), [(errno.EBUSY, True), (errno.EACCES, False), (None, False)])
def test_a_device_that_this_machine_uses(
    monkeypatch: pytest.MonkeyPatch, image: Path, answer: int | None, refused: bool
) -> None:
    def opened(path: Path, flags: int) -> int:
        assert flags & os.O_EXCL
        if answer is not None:
            raise OSError(answer, os.strerror(answer))
        return os.dup(0)

    monkeypatch.setattr(Path, "is_block_device", lambda path: path == image)
    monkeypatch.setattr(os, "open", opened)
    if refused:
        with pytest.raises(KitError, match="is in use on this machine") as caught:
            boot_disk.chosen("disk", path=str(image))
        assert (caught.value.code, caught.value.status) == ("FQ-ARGUMENT", 2)
    else:
        assert boot_disk.chosen("disk", path=str(image)) is not None
