# SPDX-License-Identifier: MIT
"""Boots from the disk image as a board does, updates of its slots, and power that goes meanwhile.

FASTQUEUE_POWER_CUTS: how often QEMU is killed during an update (default 5); FASTQUEUE_SEED: seed of the
moments, to see a failure again.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from write_log import Replay, entries

from devkit.commands.update import update_target
from devkit.host.errors import KitError
from devkit.image import disk_image, partition_layout
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.qemu.boot_disk import BUSES, BootDisk
from devkit.target import ab_update
from devkit.target.qemu import Target

CUTS = int(os.environ.get("FASTQUEUE_POWER_CUTS", "5"))
#: Seconds within which an update is over on a host that is not loaded, and then some.
_UPDATE_TIME = 20.0
_BOOT_TIME = 240.0
#: Each test boots several times, through firmware and boot loader.
pytestmark = pytest.mark.timeout(6 * _BOOT_TIME)


@pytest.fixture(scope="module")
def own() -> Iterator[Lab]:
    """A lab for targets that come and go."""
    with Lab.start() as lab:
        yield lab


@pytest.fixture
def drive(image: Image, tmp_path: Path) -> BootDisk:
    """A disk as it comes from the build, that keeps what is written."""
    path = tmp_path / "disk.img"
    subprocess.run(["cp", "--sparse=always", image.disk, path], check=True)
    return BootDisk(path, "virtio", keep=True)


def booted(image: Image, lab: Lab, drive: BootDisk) -> Target:
    return Target.boot(image, lab=lab, disk=drive, timeout=_BOOT_TIME)


def reboot(target: Target) -> None:
    """End the target in an orderly way; QEMU ends where a board would start again."""
    target.down()


def packed(folder: Path, init: str, image: Image) -> Path:
    """Return a small slot image: a kernel, busybox and ``init`` in the place of all else.

    Busybox is static in the image of the Debian base, and not in Buildroot's.
    """
    tree = folder / "tree"
    for name in ("boot", "sbin", "dev", "proc", "usr"):
        (tree / name).mkdir(parents=True)
    shutil.copyfile(image.kernel, tree / "boot/bzImage")
    wanted = [
        "usr/bin/busybox",
        "lib",
        "usr/lib/ld-linux.so.2",
        "usr/lib/lib[cm].so.6",
        "usr/lib/libresolv.so.2",
    ]
    unpack: list[str | Path] = ["unsquashfs", "-q", "-n", "-f", "-d", tree, image.rootfs, *wanted]
    subprocess.run(unpack, check=True, stdout=subprocess.DEVNULL)
    (tree / "sbin/init").write_text(init)
    (tree / "sbin/init").chmod(0o755)
    made = folder / "slot.squashfs"
    pack: list[str | Path] = [
        "mksquashfs",
        tree,
        made,
        "-quiet",
        "-no-progress",
        "-all-root",
        "-noD",
        "-noF",
        "-comp",
        "xz",
    ]
    subprocess.run(pack, check=True, stdout=subprocess.DEVNULL)
    return made


@pytest.mark.parametrize("bus", BUSES)
def test_one_image_boots_from_every_bus(bus: str, image: Image, own: Lab) -> None:
    with Target.boot(image, lab=own, disk=BootDisk(bus=bus), timeout=_BOOT_TIME) as target:
        assert ab_update.slots(target) == ab_update.Slots("a", "a", "", 0)
        assert f"root=PARTUUID={partition_layout.LABEL}-02" in target.run("cat /proc/cmdline").output
        target.run("touch /data/file && modprobe fastqueue && [ -c /dev/fastqueue ] && [ -c /dev/watchdog ]")
        assert not target.log.complaints()


def test_update_is_tried_and_kept_and_the_next_goes_back(image: Image, own: Lab, drive: BootDisk) -> None:
    for old, new in ("ab", "ba"):
        with booted(image, own, drive) as target:
            target.run(f"[ {old} = a ] || [ -e /data/first ]")
            target.run("touch /data/first; sync")
            assert ab_update.slots(target) == ab_update.Slots(old, old, "", 0)
            ab_update.update(target, image.slot)
            assert ab_update.slots(target) == ab_update.Slots(old, old, new, 1)
            reboot(target)
        with booted(image, own, drive) as target:
            assert ab_update.slots(target) == ab_update.Slots(new, new, "", 0)
            assert f"slot {new} is committed" in target.log.text()
            reboot(target)


def test_the_task_updates_a_running_target(image: Image, own: Lab, drive: BootDisk) -> None:
    booted(image, own, drive).close()
    asked: list[str] = []

    def build(base: str) -> Image:
        asked.append(base)
        return image

    update_target(build, own.name)
    assert asked == [image.description["base"]]
    target = Target.attach(own)
    try:
        assert ab_update.slots(target) == ab_update.Slots("a", "a", "b", 1)
    finally:
        target.down()


@pytest.mark.parametrize(
    ("init", "sign"),
    [
        ("#!/usr/bin/busybox sh\nexit 1\n", "Attempted to kill init"),
        ("no program\n", "No working init found"),
        (
            "#!/usr/bin/busybox sh\nb=/usr/bin/busybox\n$b watchdog -F -T 4 -t 1000 /dev/watchdog\n",
            "Run /sbin/init",
        ),
    ],
    ids=["init-ends", "no-init", "hangs"],
)
def test_an_update_that_does_not_come_up_falls_back(
    init: str, sign: str, image: Image, own: Lab, drive: BootDisk
) -> None:
    assert drive.path is not None
    broken = packed(drive.path.parent, init, image)
    with booted(image, own, drive) as target:
        ab_update.update(target, broken)
        assert ab_update.slots(target).trial == "b"
        reboot(target)
    with pytest.raises(KitError) as caught:
        booted(image, own, drive)
    assert caught.value.code == "FQ-BOOT"
    assert sign in (own.logs / "kernel.log").read_text(errors="replace")
    with booted(image, own, drive) as target:
        assert ab_update.slots(target) == ab_update.Slots("a", "a", "b", 0)
        reboot(target)


def test_a_slot_that_cannot_be_loaded_is_passed_over(image: Image, own: Lab, drive: BootDisk) -> None:
    assert drive.path is not None
    with drive.path.open("r+b") as file:
        file.seek(partition_layout.SLOT_B.begin)
        file.write(image.slot.read_bytes())
        file.seek(partition_layout.SLOT_A.begin)
        file.write(bytes(partition_layout.MB))
    with booted(image, own, drive) as target:
        assert ab_update.slots(target) == ab_update.Slots("b", "a", "", 0)
        reboot(target)


def with_environment(drive: BootDisk, image: Image, contents: list[bytes]) -> None:
    """Fill slot b too, and write grubenv and its copy."""
    assert drive.path is not None
    with drive.path.open("r+b") as file:
        file.seek(partition_layout.BOOT.begin)
        boot = file.read(partition_layout.BOOT.size)
        found = [found.start() for found in re.finditer(re.escape(disk_image.environment()), boot)]
        for offset, content in zip(found, contents, strict=True):
            file.seek(partition_layout.BOOT.begin + offset)
            file.write(content)
        file.seek(partition_layout.SLOT_B.begin)
        file.write(image.slot.read_bytes())


@pytest.mark.parametrize("content", [bytes(512), b"#" * 512], ids=["zero", "hash"])
def test_a_lost_grubenv_boots_the_proved_slot_and_is_written_anew(
    content: bytes, image: Image, own: Lab, drive: BootDisk
) -> None:
    with_environment(drive, image, [content, disk_image.environment("b")])
    with booted(image, own, drive) as target:
        assert ab_update.slots(target) == ab_update.Slots("b", "b", "", 0)
        assert "grubenv was lost: slot b is committed" in target.log.text()
        ab_update.update(target, image.slot)
        assert ab_update.slots(target) == ab_update.Slots("b", "b", "a", 1)
        reboot(target)
    with booted(image, own, drive) as target:
        assert ab_update.slots(target) == ab_update.Slots("a", "a", "", 0)
        reboot(target)


def test_with_both_copies_lost_it_boots_and_takes_updates(image: Image, own: Lab, drive: BootDisk) -> None:
    with_environment(drive, image, [bytes(512), b"\xff" * 512])
    with booted(image, own, drive) as target:
        assert ab_update.slots(target) == ab_update.Slots("a", "a", "", 0)
        ab_update.update(target, image.slot)
        assert ab_update.slots(target).trial == "b"
        reboot(target)


def test_a_file_that_was_cut_off_is_refused(image: Image, own: Lab, drive: BootDisk, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(image.slot.read_bytes()[: 4 * partition_layout.MB])
    with booted(image, own, drive) as target:
        with pytest.raises(KitError) as caught:
            ab_update.update(target, cut)
        assert "cut off" in "\n".join(caught.value.lines)
        assert ab_update.slots(target) == ab_update.Slots("a", "a", "", 0)
        reboot(target)


def test_no_moment_of_an_update_leaves_a_disk_that_does_not_boot(
    image: Image, own: Lab, drive: BootDisk, tmp_path: Path
) -> None:
    """Every write of two updates, in order, each with any of those that the disk had not yet kept."""
    assert drive.path is not None
    log = tmp_path / "writes"
    log.touch()
    replay = Replay(
        drive.path, hashlib.sha256(image.slot.read_bytes()).hexdigest(), image.slot.stat().st_size
    )
    for _ in range(2):
        with booted(image, own, BootDisk(drive.path, drive.bus, keep=True, log=log)) as target:
            ab_update.update(target, image.slot)
            reboot(target)
        written = list(entries(log))
        for entry in written:
            replay.apply(entry)
        assert len(written) > 10
        replay.settle()
        assert replay.content() == drive.path.read_bytes()
        log.write_bytes(b"")
        replay.boots()
    assert replay.states > 20
    assert replay.trials == 2


@pytest.mark.timeout((CUTS + 1) * (_BOOT_TIME + 2 * _UPDATE_TIME))
def test_power_cuts(image: Image, own: Lab, drive: BootDisk) -> None:
    seed = int(os.environ.get("FASTQUEUE_SEED", str(random.SystemRandom().randrange(1 << 32))))
    chance = random.Random(seed)
    for cut in range(CUTS + 1):
        told = f"power cut {cut} of {CUTS}, seed {seed}"
        print(told)
        target = booted(image, own, drive)
        state = ab_update.slots(target)
        assert state.running == state.slot, told
        if cut == CUTS:
            target.down()
            return
        with ab_update.serve_file(target, image.slot) as source:
            target.run(f"{source} 2>/dev/null | fastqueue-update >/dev/null 2>&1 &")
            time.sleep(chance.uniform(0.0, _UPDATE_TIME))
            assert target.process is not None
            target.process.kill()
            target.process.wait(10.0)
            target.process.close()
        target.close()
