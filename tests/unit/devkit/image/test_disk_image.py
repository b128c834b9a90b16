# SPDX-License-Identifier: MIT
"""The disk image: layout, boot loader, grubenv; made from small parts with the real tools."""

from __future__ import annotations

import itertools
import os
import re
import struct
import subprocess
from pathlib import Path

import pytest

from devkit.host.errors import KitError
from devkit.image import disk_image, partition_layout


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A small root file system and something in the place of a kernel; a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(disk_image, "LOGS", tmp_path / "logs")
    tree, rootfs, kernel = (tmp_path / name for name in ("tree", "rootfs-key", "kernel-key"))
    for folder in (tree, rootfs, kernel):
        folder.mkdir()
    (tree / "init").write_text("#!/bin/sh\n")
    (kernel / "bzImage").write_bytes(b"kernel" * 1000)
    pack: list[str | Path] = ["mksquashfs", tree, rootfs / "rootfs.squashfs", "-quiet", "-no-progress"]
    subprocess.run(pack, check=True, stdout=subprocess.DEVNULL)
    return rootfs, kernel


def test_partitions_follow_each_other_in_whole_megabytes() -> None:
    for before, after in itertools.pairwise(partition_layout.PARTITIONS.values()):
        assert before.begin + before.size == after.begin
    assert all(
        part.begin % partition_layout.MB == part.size % partition_layout.MB == 0
        for part in partition_layout.PARTITIONS.values()
    )
    assert partition_layout.SLOT_A.size == partition_layout.SLOT_B.size


def test_what_genimage_accepts_and_the_kit_does_not_read_is_an_error() -> None:
    with pytest.raises(KeyError, match="size"):
        partition_layout.read("partition a {\n partition-type = 0x83\n}")
    with pytest.raises(ValueError, match="1G"):
        partition_layout.read("partition a {\n partition-type = 0x83\n size = 1G\n}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("32M", "1G", "not understood.*1G"),
        ("12M", "12.5M", "not understood.*12.5"),
        ("slot-b", "slotb", "partitions boot, slot-a, slotb, data"),
        ("partition-type = 0x83", "", "not understood.*partition-type"),
        ("0x46513031", "random", "disk-signature"),
    ],
)
def test_a_layout_that_was_edited_into_another_is_refused(old: str, new: str, said: str) -> None:
    text = partition_layout.CONFIG.read_text()
    assert old in text
    with pytest.raises(KitError, match=said) as caught:
        partition_layout.table(text.replace(old, new))
    assert caught.value.code == "FQ-DISK"


def test_environment_is_one_sector_with_all_variables() -> None:
    block = disk_image.environment("b", "a", 1)
    assert len(block) == 512
    assert block.rstrip(b"#") == b"# GRUB Environment Block\nslot=b\ntrial=a\ntries=1\n"


def test_image_has_table_loader_and_slots(parts: tuple[Path, Path]) -> None:
    made = disk_image.build_disk(*parts)
    content = (made / "disk.img").read_bytes()
    assert len(content) == partition_layout.SIZE
    assert (made / "disk.img").stat().st_blocks * 512 < partition_layout.SIZE / 2
    assert content[510:512] == b"\x55\xaa"
    assert struct.unpack_from("<I", content, 440) == (int(partition_layout.LABEL, 16),)
    for number, part in enumerate(partition_layout.PARTITIONS.values()):
        active, kind, begin, sectors = struct.unpack_from("<B3xB3xII", content, 446 + 16 * number)
        assert (begin * 512, sectors * 512) == (part.begin, part.size)
        assert (active == 0x80, kind) == (part.active, part.kind)
    assert b"GRUB" in content[:440]
    assert b"Geom" in content[:440]
    slot = (made / "slot.squashfs").read_bytes()
    assert content[partition_layout.SLOT_A.begin :].startswith(slot)
    assert not content[
        partition_layout.SLOT_B.begin : partition_layout.SLOT_B.begin + partition_layout.SLOT_B.size
    ].strip(b"\0")


def test_boot_partition_has_a_filled_in_grub_cfg_and_grubenv_twice(
    parts: tuple[Path, Path], tmp_path: Path
) -> None:
    content = (disk_image.build_disk(*parts) / "disk.img").read_bytes()
    partition = tmp_path / "boot"
    partition.write_bytes(
        content[partition_layout.BOOT.begin : partition_layout.BOOT.begin + partition_layout.BOOT.size]
    )

    def read(name: str) -> bytes:
        argv: list[str | Path] = ["/sbin/debugfs", "-R", f"cat {name}", partition]
        return subprocess.run(argv, check=True, capture_output=True).stdout

    assert read("grubenv") == read("grubcopy") == disk_image.environment("a")
    config = read("grub.cfg").decode()
    assert f"root=PARTUUID={partition_layout.LABEL}-0" in config
    assert not re.search("@[A-Z]+@", config)
    offsets = [found.start() for found in re.finditer(b"# GRUB Environment Block", partition.read_bytes())]
    assert len(offsets) == 2
    assert offsets[1] - offsets[0] >= disk_image.SPACE
    assert f"fq.env={offsets[0] // 512},{offsets[1] // 512} " in config


def test_slot_is_the_root_file_system_with_its_kernel(parts: tuple[Path, Path], tmp_path: Path) -> None:
    slot = disk_image.build_disk(*parts) / "slot.squashfs"
    subprocess.run(["unsquashfs", "-q", "-n", "-d", tmp_path / "out", slot], check=True)
    assert (tmp_path / "out/init").read_text() == "#!/bin/sh\n"
    assert (tmp_path / "out/boot/bzImage").read_bytes() == (parts[1] / "bzImage").read_bytes()


def test_the_same_parts_give_the_same_bytes(parts: tuple[Path, Path], tmp_path: Path) -> None:
    images = []
    for turn in range(2):
        work = tmp_path / f"work{turn}"
        work.mkdir()
        os.utime(parts[1] / "bzImage", (1e9 + turn, 1e9 + turn))
        disk_image._make(work, *parts)
        images.append([(work / name).read_bytes() for name in ("disk.img", "slot.squashfs")])
    assert images[0] == images[1]


def test_too_large_for_a_slot(parts: tuple[Path, Path]) -> None:
    with (parts[1] / "bzImage").open("wb") as file:
        file.write(os.urandom(partition_layout.SLOT_A.size))
    with pytest.raises(KitError) as caught:
        disk_image.build_disk(*parts)
    assert caught.value.code == "FQ-DISK"
