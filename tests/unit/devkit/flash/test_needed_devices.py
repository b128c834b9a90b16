# SPDX-License-Identifier: MIT
from __future__ import annotations

from pathlib import Path

import pytest

from devkit.flash import block_device, needed_devices
from devkit.flash.block_device import Device, HostDevices
from devkit.flash.needed_devices import Mount
from devkit.host.errors import KitError

MOUNTINFO = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw
23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw
31 22 0:30 /@home /home rw,relatime shared:20 - btrfs /dev/sda2 rw,space_cache=v2
40 22 8:17 / /media/me/MY\\040STICK rw,nosuid,nodev shared:30 master:2 - vfat /dev/sdb1 rw
41 22 8:33 / /media/me/MY\\040STICK rw shared:31 - vfat /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/usr/bin", "/dev/mapper/vg-root"),
        ("/", "/dev/mapper/vg-root"),
        ("/home/me/disk.img", "/dev/sda2"),
        ("/homestead", "/dev/mapper/vg-root"),
        ("/media/me/MY STICK/disk.img", "/dev/sdc1"),
        ("/media/me/MY STICK", "/dev/sdc1"),
        ("/proc/1", "proc"),
    ],
)
def test_the_mount_of_a_path(path: str, source: str) -> None:
    found = needed_devices.mount_of(path, needed_devices.parse_mounts(MOUNTINFO))
    assert found is not None
    assert found.source == source


def test_mounts_are_parsed() -> None:
    assert needed_devices.parse_mounts(MOUNTINFO)[2] == Mount("/home", "0:30", "/dev/sda2")


def test_working_directory_and_image_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The file system of the tests, whatever it is, as the only device of a machine.
    mounts = needed_devices.parse_mounts(Path("/proc/self/mountinfo").read_text())
    mount = needed_devices.mount_of(str(tmp_path), mounts)
    assert mount is not None
    number = needed_devices._number(mount)
    monkeypatch.chdir(tmp_path)
    machine = needed_devices.with_needed(
        HostDevices((Device("x", "/dev/x", number, "disk", 1),)), tmp_path / "disk.img"
    )
    words = (f"the working directory {tmp_path}", f"the image {tmp_path}/disk.img")
    assert machine.needed[number] == words


@pytest.mark.parametrize("text", ["", "[]", '{"blockdevices": [{"name": "sda"}]}'])
def test_an_lsblk_that_says_something_else(text: str) -> None:
    with pytest.raises(KitError, match="is not understood"):
        block_device.parse(text)


def test_this_machine_can_be_read() -> None:
    assert all(device.path.startswith("/dev/") for device in block_device.read().devices)
