# SPDX-License-Identifier: MIT
"""disk.img: what a board boots from. MBR, GRUB for BIOS, two slots and a data partition.

Made without root and without mounting, the same bytes for the same parts. Nothing in it depends on
the bus that the disk is at: one image for IDE, SATA, USB and virtio.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import LOGS, PROJECT
from devkit.host.progress import stage
from devkit.image import partition_layout
from devkit.image.partition_layout import BOOT, DATA, LABEL, SECTOR, SLOT_A, Partition

GRUB_CFG = PROJECT / "br2-external/board/common/grub.cfg"
GRUB = Path("/usr/lib/grub/i386-pc")
#: Modules in GRUB's core: all that grub.cfg uses, so that the boot partition holds no program.
MODULES = (
    "biosdisk", "part_msdos", "ext2", "squash4", "xzio", "normal", "linux", "loadenv", "serial",
    "terminal", "echo", "test", "regexp", "sleep", "reboot", "smbios",
)  # fmt: skip
#: Part of the key: raise it when this module makes something else of the same inputs.
RECIPE = "3"

#: Bytes between grubenv and its copy.
SPACE = 512 << 10
_SIGNATURE = b"# GRUB Environment Block\n"
#: Any time but 0, which e2fsprogs takes for "now" (seconds since 1970): 2001-09-09.
_TIME = "1000000000"
_UUIDS = "66617374-7175-4575-8500-00000000000"
#: Of boot.img: where its code ends and the MBR's label and table begin, and a check to switch off.
_CODE_END = 440
_DRIVE_CHECK = 0x66


def environment(slot: str = "a", trial: str = "", tries: int = 0) -> bytes:
    """Content of grubenv, one sector: the slot that has proved itself, one on trial and its tries."""
    text = _SIGNATURE + f"slot={slot}\ntrial={trial}\ntries={tries}\n".encode()
    return text.ljust(SECTOR, b"#")


def build_disk(rootfs: Path, kernel: Path) -> Path:
    """Cache entry of the cache entries ``rootfs`` and ``kernel``.

    ``slot.squashfs``: root file system with its kernel in boot/bzImage, the content of a slot and the file
    to update with. ``disk.img``: sparse, slot a filled and committed, slot b empty.
    KitError FQ-DISK where a slot is too small for them, FQ-TOOL and FQ-COMMAND.
    """

    def key() -> str:
        tools = [cache.digest_file(_grub(name)) for name in ("boot.img", "kernel.img", "diskboot.img")]
        return cache.digest(
            RECIPE, rootfs.name, kernel.name, GRUB_CFG.read_text(), partition_layout.fingerprint(), *tools
        )

    return cache.entry("disk", key, lambda work: _make(work, rootfs, kernel))


def _grub(name: str) -> Path:
    path = GRUB / name
    if not path.exists():
        raise KitError("FQ-TOOL", f"{path} is not installed", "apt-get install grub-pc-bin")
    return path


def _make(work: Path, rootfs: Path, kernel: Path) -> None:
    log = LOGS / "disk.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    with stage("disk image", log):
        slot = work / "slot.squashfs"
        scratch = work / "scratch"
        scratch.mkdir()
        _make_slot(slot, rootfs / "rootfs.squashfs", kernel / "bzImage", scratch, log)
        (scratch / slot.name).symlink_to(slot)
        _make_grub(scratch, log)
        _boot_files(scratch, log)
        _file_system(scratch / "data.ext4", "ext4", DATA, 4, log)
        partition_layout.carry_out(scratch, work, log)
        cache.remove_tree(scratch)


def _make_slot(slot: Path, rootfs: Path, kernel: Path, scratch: Path, log: Path) -> None:
    """Append the kernel, as it is, to a copy of the root file system: that needs no packing again."""
    (scratch / "slot/boot").mkdir(parents=True)
    shutil.copyfile(kernel, scratch / "slot/boot/bzImage")
    shutil.copyfile(rootfs, slot)
    (scratch / "slot/boot").chmod(0o755)
    (scratch / "slot/boot/bzImage").chmod(0o644)
    argv: list[str | Path] = [
        run_command.need("mksquashfs", "squashfs-tools"), scratch / "slot", slot, "-all-root", "-no-progress",
        "-no-xattrs", "-no-recovery", "-noD", "-noF", "-mkfs-time", "0", "-all-time", "0",
    ]  # fmt: skip
    run_command.run(argv, log=log)
    if slot.stat().st_size > SLOT_A.size:
        what = f"root file system and kernel have {slot.stat().st_size} bytes, a slot {SLOT_A.size}"
        raise KitError("FQ-DISK", what, "leave packages or files out, or make the slots larger")


def _make_grub(scratch: Path, log: Path) -> None:
    """mbr.img, the boot sector without its table; core.img, to lie before the first partition."""
    core = scratch / "core.img"
    argv: list[str | Path] = [run_command.need("grub-mkimage", "grub-common"), "-O", "i386-pc", "-d", GRUB]
    run_command.run([*argv, "-p", "(,msdos1)/", "-o", core, *MODULES], log=log)
    if SECTOR + core.stat().st_size > BOOT.begin:
        raise KitError("FQ-DISK", "GRUB does not fit before the first partition", "take modules out")
    code = bytearray(_grub("boot.img").read_bytes()[:_CODE_END])
    # Some firmware passes a wrong drive number; as for any hard disk, what it says is mended, not believed.
    code[_DRIVE_CHECK : _DRIVE_CHECK + 2] = b"\x90\x90"
    (scratch / "mbr.img").write_bytes(code)


def _boot_files(scratch: Path, log: Path) -> None:
    """boot.ext2: grub.cfg, grubenv and grubcopy; grub.cfg has the sectors of the latter two."""
    config, block, spacer = scratch / "grub.cfg", scratch / "grubenv", scratch / "spacer"
    block.write_bytes(environment())
    # A flash page that is lost takes its neighbours along: the copy lies far from the first.
    spacer.write_bytes(b"-" * SPACE)
    partition = _file_system(scratch / "boot.ext2", "ext2", BOOT, 1, log)
    _debugfs(scratch, partition, [(block, "grubenv"), (spacer, "spacer"), (block, "grubcopy")], log)
    sectors = _sectors(partition.read_bytes(), log)
    text = GRUB_CFG.read_text()
    for word, value in {"@LABEL@": LABEL, "@ENVIRONMENT@": ",".join(map(str, sectors))}.items():
        text = text.replace(word, value)
    config.write_text(text)
    _debugfs(scratch, partition, [(config, "grub.cfg")], log)


def _debugfs(scratch: Path, partition: Path, files: list[tuple[Path, str]], log: Path) -> None:
    # debugfs takes the time of files as given, where mke2fs -d takes that of the host's inodes.
    lines = [f"set_current_time @{_TIME}", *(f"write {source} {name}" for source, name in files)]
    commands = scratch / "debugfs"
    commands.write_text("\n".join(lines) + "\n")
    run_command.run([run_command.need("debugfs", "e2fsprogs"), "-w", "-f", commands, partition], log=log)


def _sectors(content: bytes, log: Path) -> list[int]:
    """Sectors of grubenv and grubcopy in the boot partition."""
    offsets = [found.start() for found in re.finditer(re.escape(environment()), content)]
    if len(offsets) != 2 or any(offset % SECTOR for offset in offsets) or offsets[1] - offsets[0] < SPACE:
        what = "grubenv and its copy are not in the boot partition"
        raise KitError("FQ-DISK", what, "read the log", log=log)
    return [offset // SECTOR for offset in offsets]


def _file_system(path: Path, kind: str, partition: Partition, number: int, log: Path) -> Path:
    uuid = f"{_UUIDS}{number}"
    options = f"hash_seed={uuid},lazy_itable_init=0,root_owner=0:0"
    argv: list[str | Path] = [
        run_command.need("mke2fs", "e2fsprogs"), "-q", "-F", "-t", kind, "-b", "1024", "-m", "0",
        "-O", "^resize_inode,^dir_index", "-U", uuid, "-E", options, path, str(partition.size // 1024),
    ]  # fmt: skip
    run_command.run(argv, log=log, env={**os.environ, "E2FSPROGS_FAKE_TIME": _TIME, "LC_ALL": "C.UTF-8"})
    return path
