# SPDX-License-Identifier: MIT
"""The policy over the block devices of many machines, as lsblk prints them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from devkit.flash import block_device
from devkit.flash.block_device import Device, HostDevices
from devkit.flash.device_listing import overview
from devkit.flash.policy import Refusal, WriteRequest, refusals

MACHINES = Path(__file__).with_name("machines")
IMAGE = 268435456


def recorded(name: str, **needed: str) -> HostDevices:
    """A machine; ``needed`` has words by device name."""
    machine = block_device.parse((MACHINES / f"{name}.json").read_text())
    numbers = {_device(machine, f"/dev/{device}").number: (word,) for device, word in needed.items()}
    return dataclasses.replace(machine, needed=numbers)


def _device(machine: HostDevices, path: str) -> Device:
    found = machine.find(path)
    assert found, path
    return found


def judged(machine: HostDevices, path: str, *, fixed: bool = False, size: int = IMAGE) -> tuple[Refusal, ...]:
    return refusals(_device(machine, path), machine, WriteRequest(size, fixed))


def free(machine: HostDevices, *, fixed: bool = False) -> list[str]:
    """Paths of the whole devices that could be written to."""
    return [one.path for one in machine.devices if not judged(machine, one.path, fixed=fixed)]


@pytest.mark.parametrize(
    ("name", "candidates", "with_fixed"),
    [
        ("laptop-luks", ["/dev/sda"], ["/dev/sda"]),
        ("server-lvm", [], []),
        ("server-md", [], ["/dev/sdc"]),
        ("board-sd", ["/dev/sda"], ["/dev/sda"]),
        ("laptop-sd", ["/dev/mmcblk0"], ["/dev/mmcblk0"]),
        ("tablet-emmc", ["/dev/mmcblk1"], ["/dev/mmcblk2", "/dev/mmcblk1"]),
        ("stick-mounted", [], []),
        ("card-reader", ["/dev/sdc"], ["/dev/sdc"]),
        ("loops", [], ["/dev/loop2", "/dev/loop3"]),
        ("card-locked", [], []),
        ("stick-small", ["/dev/sdc"], ["/dev/sdc"]),
        ("stick-swap", [], []),
        ("stick-luks", [], []),
        ("stick-md", [], []),
        ("stick-dm", [], []),
        ("server-multipath", [], []),
        ("desktop-btrfs", ["/dev/sdb"], ["/dev/sdb"]),
        ("machine-virtual", [], ["/dev/vdb", "/dev/nbd0"]),
    ],
)
def test_what_may_be_written_to(name: str, candidates: list[str], with_fixed: list[str]) -> None:
    machine = recorded(name)
    assert free(machine) == candidates
    assert free(machine, fixed=True) == with_fixed


@pytest.mark.parametrize(
    ("name", "path", "reason", "remedy"),
    [
        ("laptop-luks", "/dev/nvme0n1", "system lies on it: /boot/efi, /boot, /, /home", "another device"),
        ("laptop-luks", "/dev/nvme0n1", "it holds swap in use", "swapoff /dev/mapper/laptop--vg-swap_1"),
        ("laptop-luks", "/dev/nvme0n1p3", "it is a partition", "name the whole device: /dev/nvme0n1"),
        ("laptop-luks", "/dev/dm-1", "it is no disk but lvm", "name the whole device: /dev/nvme0n1"),
        ("laptop-luks", "/dev/sda1", "it is a partition", "name the whole device: /dev/sda"),
        ("server-lvm", "/dev/sda", "system lies on it: /boot, /", "another device"),
        ("server-lvm", "/dev/sdc", "mounted: /srv", "umount /srv"),
        (
            "server-lvm",
            "/dev/sdc",
            "in use by /dev/mapper/vg0-data (lvm)",
            "lvchange --activate n /dev/mapper",
        ),
        ("server-lvm", "/dev/mapper/vg0-data", "it is no disk but lvm", "/dev/sdb or /dev/sdc"),
        ("server-md", "/dev/sdb", "the running system lies on it: /", "another device"),
        ("server-md", "/dev/sdb", "it holds swap in use", "swapoff /dev/md0"),
        ("server-md", "/dev/md1", "it is no disk but raid1", "/dev/sda or /dev/sdb"),
        ("server-md", "/dev/sdc", "it is not removable, a disk of this machine", "--fixed-disk"),
        ("stick-md", "/dev/sda", "in use by /dev/md127 (raid0)", "mdadm --stop /dev/md127"),
        ("board-sd", "/dev/mmcblk0", "system lies on it: /boot/firmware, /", "another device"),
        ("tablet-emmc", "/dev/mmcblk2", "it is not removable", "--fixed-disk"),
        ("tablet-emmc", "/dev/mmcblk0boot0", "a part of an eMMC", "name the whole device: /dev/mmcblk0"),
        ("stick-mounted", "/dev/sda", "mounted: /media/me/MY STICK", "umount '/media/me/MY STICK'"),
        ("card-reader", "/dev/sda", "there is no medium in it", "put a card"),
        ("loops", "/dev/loop0", "mounted: /snap/core/16202", "umount /snap/core/16202"),
        ("loops", "/dev/loop2", "it is a loop device", "--fixed-disk"),
        ("card-locked", "/dev/sda", "it is read-only", "blockdev --setrw /dev/sda"),
        (
            "stick-small",
            "/dev/sda",
            "too small: 67108864 bytes, the image has 268435456",
            "larger by 201.3 MB",
        ),
        ("stick-small", "/dev/sdb", "too small: 268434944 bytes", "larger by 512 bytes"),
        ("stick-swap", "/dev/sda", "it holds swap in use", "swapoff /dev/sda2"),
        ("stick-luks", "/dev/sda", "in use by /dev/mapper/luks-5f2c (crypt)", "cryptsetup close luks-5f2c"),
        ("stick-dm", "/dev/sda", "in use by /dev/mapper/snapshot (dm)", "dmsetup remove snapshot"),
        ("server-multipath", "/dev/sda", "the running system lies on it: /", "another device"),
        ("server-multipath", "/dev/sdd", "in use by /dev/mapper/mpathb (mpath)", "multipath -f mpathb"),
        ("server-multipath", "/dev/mapper/mpatha", "it is no disk but mpath", "/dev/sda or /dev/sdb"),
        ("server-multipath", "/dev/dm-1", "it is a partition", "/dev/sda or /dev/sdb"),
        ("desktop-btrfs", "/dev/sda", "system lies on it: /boot/efi, /home, /", "another device"),
        ("desktop-btrfs", "/dev/sr0", "it is an optical drive", "name a disk"),
        ("desktop-btrfs", "/dev/zram0", "it lies in memory", "name a disk"),
        ("desktop-btrfs", "/dev/sdc", "its sectors have 4096 bytes", "sectors of 512"),
    ],
)
def test_reason_and_remedy(name: str, path: str, reason: str, remedy: str) -> None:
    found = judged(recorded(name), path)
    assert [one for one in found if reason in one.reason and remedy in one.remedy], found


@pytest.mark.parametrize("word", ["the image /mnt/disk.img", "the working directory /mnt"])
def test_what_the_caller_needs_is_kept(word: str) -> None:
    # On a file system that lsblk does not show as mounted here, such as one of another mount namespace.
    machine = recorded("laptop-luks", sda1=word)
    found = judged(machine, "/dev/sda")
    assert [one.reason for one in found] == [f"it holds {word}"]
    assert "copy the image" in found[0].remedy


def test_a_loop_device_of_the_image_itself_is_kept() -> None:
    machine = recorded("loops", loop2="the image /home/me/disk.img itself, as a loop device")
    assert "the image /home/me/disk.img itself" in judged(machine, "/dev/loop2", fixed=True)[0].reason


@pytest.mark.parametrize("name", sorted(path.stem for path in MACHINES.glob("*.json")))
def test_nothing_that_is_in_use_can_be_forced(name: str) -> None:
    machine = recorded(name)
    used = [one for one in machine.devices if any(part.mounts for part in one.tree())]
    for device in used:
        assert judged(machine, device.path, fixed=True, size=512)


def test_exactly_large_enough() -> None:
    machine = recorded("stick-small")
    assert judged(machine, "/dev/sdb", size=IMAGE - 512) == ()
    assert [one.reason for one in judged(machine, "/dev/sdb", size=IMAGE)] == [
        "too small: 268434944 bytes, the image has 268435456"
    ]


def test_loop_devices_without_a_file_are_no_devices() -> None:
    assert recorded("loops").find("/dev/loop4") is None


def test_overview_lists_candidates_and_the_others_with_reasons() -> None:
    lines = overview(recorded("laptop-luks"), WriteRequest(IMAGE))
    stick = lines.index("  /dev/sda  15.4 GB  usb  SanDisk Ultra  serial 4C530001230607118420")
    assert lines[0] == "Could be written to:"
    assert stick < lines.index("Left out:")
    after = lines[lines.index("Left out:") :]
    assert "      the running system lies on it: /boot/efi, /boot, /, /home" in after


def test_overview_of_a_machine_without_a_candidate() -> None:
    lines = overview(recorded("server-lvm"), WriteRequest(IMAGE))
    assert lines[:2] == ["No device here could be written to.", "Left out:"]
