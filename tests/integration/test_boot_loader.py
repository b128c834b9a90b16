# SPDX-License-Identifier: MIT
"""Which slot GRUB takes for each content of grubenv and its copy; without a kernel, so that it is quick."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from devkit.image import disk_image, partition_layout

_TIME = 300.0
_SLOT = re.compile(rb"fastqueue: slot (\w+) (fq\.trial=1)?\s*[\r\n]")


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk whose slots both have something that is no kernel."""
    folder = tmp_path_factory.mktemp("disk")
    tree, rootfs, kernel, work = (folder / name for name in ("tree", "rootfs", "kernel", "work"))
    for path in (tree, rootfs, kernel, work):
        path.mkdir()
    (kernel / "bzImage").write_bytes(b"no kernel" * 1000)
    pack: list[str | Path] = ["mksquashfs", tree, rootfs / "rootfs.squashfs", "-quiet", "-no-progress"]
    subprocess.run(pack, check=True, stdout=subprocess.DEVNULL)
    disk_image._make(work, rootfs, kernel)
    content = bytearray((work / "disk.img").read_bytes())
    slot = (work / "slot.squashfs").read_bytes()
    content[partition_layout.SLOT_B.begin : partition_layout.SLOT_B.begin + len(slot)] = slot
    (work / "disk.img").write_bytes(content)
    return work / "disk.img"


def first_slots(
    loader: Path, first: bytes, copy: bytes, folder: Path
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Boot with these sectors; return the slots that GRUB tries until it gives up, and grubenv then."""
    content = bytearray(loader.read_bytes())
    offsets = [found.start() for found in re.finditer(re.escape(disk_image.environment()), content)]
    for offset, sector in zip(offsets, (first, copy), strict=True):
        content[offset : offset + 512] = sector
    path = folder / "disk.img"
    path.write_bytes(content)
    argv: list[str | Path] = [
        "qemu-system-i386", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "64",
        "-serial", "stdio", "-drive", f"if=ide,format=raw,file={path}",
    ]  # fmt: skip
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as qemu:
        assert qemu.stdout is not None
        said = b""
        try:
            while b"neither slot" not in said and (line := qemu.stdout.readline()):
                said += line
        finally:
            qemu.kill()
    assert b"neither slot" in said, said
    return _SLOT.findall(said), path.read_bytes()[offsets[0] : offsets[0] + 512]


A, B = disk_image.environment("a"), disk_image.environment("b")
ZERO = bytes(512)
TRIAL = (b"b", b"fq.trial=1")


@pytest.mark.timeout(2 * _TIME)
@pytest.mark.parametrize(
    ("first", "copy", "tried"),
    [
        (A, A, [b"a", b"b"]),
        (B, A, [b"b", b"a"]),
        (ZERO, B, [b"b", b"a"]),
        (b"#" * 512, B, [b"b", b"a"]),
        (b"\xff" * 512, A, [b"a", b"b"]),
        (disk_image.environment("x", "b", 1), B, [b"b", b"a"]),
        (B[:40] + bytes(472), A, [b"b", b"a"]),
        (disk_image.environment("a", "zz", 1), B, [b"a", b"b"]),
        (ZERO, ZERO, [b"a", b"b"]),
    ],
    ids=["a", "b", "zero", "hash", "ones", "slot", "half", "trial", "both"],
)
def test_the_slot_that_is_taken(
    first: bytes, copy: bytes, tried: list[bytes], loader: Path, tmp_path: Path
) -> None:
    found, after = first_slots(loader, first, copy, tmp_path)
    assert found == [(slot, b"") for slot in tried]
    assert after == first


@pytest.mark.timeout(2 * _TIME)
def test_a_trial_loses_its_try_first(loader: Path, tmp_path: Path) -> None:
    found, after = first_slots(loader, disk_image.environment("a", "b", 1), A, tmp_path)
    assert found[0] == TRIAL
    assert found[1][0] == b"a"
    assert after == disk_image.environment("a", "b", 0)
