# SPDX-License-Identifier: MIT
"""The whole way of an image: built, flashed to a device, booted from that device, packets decided about."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from devices import Loop, loop

from devkit.commands.demo import show_flows
from devkit.host.paths import PROJECT
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.qemu.boot_disk import BootDisk
from devkit.target.qemu import Target

#: Writing, reading back and a boot through the firmware, on a host with other work.
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.getuid() != 0, reason="makes a loop device, which only root may"),
]

INV = [sys.executable, "-m", "devkit.commands.cli", "--search-root", str(PROJECT)]


@pytest.fixture(scope="module")
def flashed(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """A device that ./inv flash wrote the image to; larger than the image, as cards are."""
    file = tmp_path_factory.mktemp("card") / "card"
    with file.open("wb") as card:
        card.truncate(image.disk.stat().st_size + (50 << 20))
    with loop(file) as device:
        words = [
            "flash",
            device.path,
            "--image",
            str(image.disk),
            "--board",
            "qemu-pc",
            "--fixed-disk",
            "--yes",
        ]
        done = subprocess.run(
            [*INV, *words], cwd=PROJECT, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=250,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        yield device


@pytest.mark.parametrize("bus", ["ide", "virtio"])
def test_boots_accepts_and_drops(image: Image, flashed: Loop, bus: str) -> None:
    with (
        Lab.start() as lab,
        Target.boot(image, lab=lab, disk=BootDisk(Path(flashed.path), bus), timeout=400) as target,
    ):
        assert "root=PARTUUID=" in target.run("cat /proc/cmdline").output
        passing, dropped = show_flows(lab, target)
        assert passing.arrived == passing.sent > 0
        assert dropped.sent > dropped.arrived == 0
        assert target.log.complaints() == []
