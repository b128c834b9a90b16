# SPDX-License-Identifier: MIT
"""Disks that a target boots from, as QEMU's arguments."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
from pathlib import Path

import pytest

from devkit.hardware import machine_profile
from devkit.host.errors import KitError
from devkit.lab import topology
from devkit.qemu import boot_disk, command_line


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk,1.img"
    path.touch()
    return path


def arguments(disk: boot_disk.BootDisk) -> list[str]:
    launch = command_line.launch(
        command_line.QemuMachine(machine_profile.load("p3"), disk=disk), program="/usr/bin/qemu-system-i386",
        kernel=Path("/i/bzImage"), rootfs=Path("/i/rootfs"), topology=topology.load(), logs=Path("/logs"),
    )  # fmt: skip
    assert list(launch.given) == disk.names
    assert not launch.reads
    return list(launch.argv)


@pytest.mark.parametrize("bus", boot_disk.BUSES)
def test_firmware_boots_the_disk_and_qemu_loads_nothing(bus: str, image: Path) -> None:
    argv = arguments(boot_disk.BootDisk(image, bus))
    assert not {"-kernel", "-append", "-initrd"} & set(argv)
    drives = [after for word, after in itertools.pairwise(argv) if word == "-drive"]
    file = "file.driver=file,file.filename=/dev/fdset/2"
    assert drives == [f"if=none,id=disk,format=raw,{file},snapshot=on"]
    assert "fd={fd:disk},set=2" in argv
    assert sum("drive=disk" in word for word in argv) == 1
    assert "i6300esb" in argv
    assert "-no-reboot" in argv


def test_a_disk_of_the_users_own_keeps_what_is_written(image: Path) -> None:
    disk = boot_disk.parse("disk", "usb", str(image))
    assert disk is not None
    argv = arguments(disk)
    assert "driver=file,node-name=bytes,filename=/dev/fdset/2" in argv
    assert not any("snapshot" in word for word in argv)
    assert "-no-reboot" not in argv
    assert (
        command_line.QemuMachine(machine_profile.load("p3"), disk=disk)
        .command()
        .endswith(f"--from disk --bus usb --disk {image}")
    )


def test_without_a_disk_the_kernel_is_loaded() -> None:
    assert boot_disk.parse("kernel") is None


@pytest.mark.parametrize(
    "words", [("floppy",), ("disk", "scsi"), ("disk", "ide", "/no/such/file"), ("kernel", "ide", "x.img")]
)
def test_wrong_words(words: tuple[str, ...]) -> None:
    with pytest.raises(KitError) as caught:
        boot_disk.parse(*words)
    assert caught.value.code == "FQ-ARGUMENT"


def test_a_disk_brings_its_own_kernel_arguments(image: Path) -> None:
    with pytest.raises(KitError) as caught:
        command_line.QemuMachine(
            machine_profile.load("p3"), disk=boot_disk.BootDisk(image), kernel_args="quiet"
        )
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
            boot_disk.parse("disk", path=str(image))
        assert (caught.value.code, caught.value.status) == ("FQ-ARGUMENT", 2)
    else:
        assert boot_disk.parse("disk", path=str(image)) is not None


def test_a_device_that_is_written_to_is_held_alone_until_qemu_has_it(
    monkeypatch: pytest.MonkeyPatch, image: Path
) -> None:
    """The very descriptor that was opened with O_EXCL is the one for QEMU."""
    asked: list[int] = []
    real = os.open

    def opened(path: Path, flags: int) -> int:
        asked.append(flags)
        return real(path, flags & ~os.O_EXCL)

    disk = boot_disk.BootDisk(image, keep=True)
    monkeypatch.setattr(Path, "is_block_device", lambda path: path == image)
    monkeypatch.setattr(os, "open", opened)
    with disk.opened() as descriptors:
        assert asked == [os.O_RDWR | os.O_EXCL | os.O_CLOEXEC]
        assert len(descriptors) == len(disk.names)
        os.fstat(descriptors[0])
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptors[0])
    assert "driver=host_device,node-name=bytes,filename=/dev/fdset/2" in arguments(disk)


def test_what_the_target_writes_to_for_the_moment_is_only_read(image: Path) -> None:
    image.chmod(0o400)
    with boot_disk.BootDisk(image).opened() as descriptors:
        assert fcntl.fcntl(descriptors[0], fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
