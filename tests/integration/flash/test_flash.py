# SPDX-License-Identifier: MIT
"""invoke flash on block devices that work: what it writes, and what it refuses."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from devices import loop
from flashing import AS_ROOT, INV, MIB, ROOM, SIZE, described, failed, flash, onto

from devkit.flash import exit_status
from devkit.host.paths import PROJECT

pytestmark = AS_ROOT


# --- What works


def test_written_compared_and_the_rest_cleared(image: Path, backing: Path) -> None:
    before = backing.read_bytes()
    with loop(backing) as device:
        old = device.add_partition(3, MIB, MIB)
        assert old.exists()
        done = onto(device.path, image)
        assert done.returncode == 0, done.stderr
        assert not old.exists(), "the kernel did not read the new table"
        # Given free again.
        os.close(os.open(device.path, os.O_RDWR | os.O_EXCL))
    after = backing.read_bytes()
    assert after[:SIZE] == image.read_bytes()
    assert after[-MIB:] == bytes(MIB)
    assert after[SIZE:-MIB] == before[SIZE:-MIB]
    for step in ("check", "write", "read back"):
        assert re.search(rf"✓ {step} .*8\.4 MB  [\d.]+ s  [\d.]+ .B/s", done.stdout)


def test_exactly_as_large_as_the_image(image: Path, tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    medium.write_bytes(bytes(SIZE))
    with loop(medium) as device:
        assert onto(device.path, image).returncode == 0
    assert medium.read_bytes() == image.read_bytes()


def test_through_a_link(image: Path, backing: Path, tmp_path: Path) -> None:
    link = tmp_path / "by-id"
    with loop(backing) as device:
        link.symlink_to(device.path)
        done = onto(str(link), image)
        assert done.returncode == 0, done.stderr
        assert f"write {device.path}" in done.stdout
    assert backing.read_bytes()[:SIZE] == image.read_bytes()


def test_dry_run_writes_nothing(image: Path, backing: Path) -> None:
    before = backing.read_bytes()
    with loop(backing) as device:
        done = onto(device.path, image, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"would write {SIZE} bytes" in done.stdout
    assert "dry run: nothing was written" in done.stdout
    assert backing.read_bytes() == before


def test_the_name_is_typed(image: Path, backing: Path) -> None:
    with loop(backing) as device:
        words = [device.path, "--image", str(image), "--fixed-disk"]
        child = pexpect.spawn(INV[0], [*INV[1:], *words], cwd=str(PROJECT), timeout=60, encoding="utf-8")
        child.expect(f"Type {device.name} to go on: ")
        child.sendline(device.name)
        child.expect("compared byte by byte")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
    assert backing.read_bytes()[:SIZE] == image.read_bytes()


# --- What is refused, with nothing written


@pytest.mark.parametrize("typed", ["no\n", "\n", "\x04", "\x03"], ids=["another", "nothing", "end", "ctrl-c"])
def test_another_word_is_typed(image: Path, backing: Path, typed: str) -> None:
    before = backing.read_bytes()
    with loop(backing) as device:
        words = [device.path, "--image", str(image), "--fixed-disk"]
        child = pexpect.spawn(INV[0], [*INV[1:], *words], cwd=str(PROJECT), timeout=60, encoding="utf-8")
        child.expect("to go on: ")
        child.send(typed)
        child.expect("nothing was written")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == exit_status.NOT_CONFIRMED
    assert backing.read_bytes() == before


def test_no_question_without_a_terminal(image: Path, backing: Path) -> None:
    before = backing.read_bytes()
    with loop(backing) as device:
        done = flash(device.path, "--image", image, "--fixed-disk")
    said = failed(done, "FQ-FLASH-CONFIRM", exit_status.NOT_CONFIRMED)
    assert "--yes" in said
    assert backing.read_bytes() == before


def test_nothing_is_chosen(image: Path, backing: Path) -> None:
    with loop(backing) as device:
        done = flash("--image", image, "--yes")
    said = failed(done, "FQ-FLASH-DEVICE", exit_status.USAGE)
    assert re.search(rf"{device.path}  16\.8 MB\n +it is a loop device", said)


def test_a_loop_device_needs_its_word(image: Path, backing: Path) -> None:
    with loop(backing) as device:
        said = failed(flash(device.path, "--image", image, "--yes"), "FQ-FLASH-REFUSED", exit_status.REFUSED)
    assert "--fixed-disk" in said


def test_too_small_by_one_sector(image: Path, tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    medium.write_bytes(bytes(SIZE - 512))
    with loop(medium) as device:
        said = failed(onto(device.path, image), "FQ-FLASH-REFUSED", exit_status.REFUSED)
    assert f"too small: {SIZE - 512} bytes, the image has {SIZE}" in said
    assert "larger by 512 bytes" in said
    assert not any(medium.read_bytes())


def test_read_only(image: Path, backing: Path) -> None:
    with loop(backing, read_only=True) as device:
        assert "read-only" in failed(onto(device.path, image), "FQ-FLASH-REFUSED", exit_status.REFUSED)


def test_a_partition(image: Path, backing: Path) -> None:
    with loop(backing) as device:
        part = f"/dev/{device.add_partition(1, MIB, 9 * MIB).name}"
        said = failed(onto(part, image), "FQ-FLASH-REFUSED", exit_status.REFUSED)
    assert f"name the whole device: {device.path}" in said


def test_the_image_itself(image: Path) -> None:
    with loop(image) as device:
        said = failed(onto(device.path, image), "FQ-FLASH-REFUSED", exit_status.REFUSED)
    assert f"the image {image} itself" in said


@pytest.fixture
def squashfs(tmp_path: Path) -> Path:
    """A medium with a file system, larger than the image."""
    folder, medium = tmp_path / "content", tmp_path / "medium.squashfs"
    folder.mkdir()
    (folder / "file").write_bytes(random.Random(7).randbytes(ROOM))
    subprocess.run(["mksquashfs", folder, medium, "-noappend", "-quiet"], check=True, capture_output=True)
    return medium


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_mounted(image: Path, squashfs: Path, tmp_path: Path, where: str) -> None:
    """Mounted where lsblk sees it, and in a mount namespace where only the kernel does."""
    before = squashfs.read_bytes()
    point = tmp_path / "mount point"
    point.mkdir()
    with loop(squashfs) as device:
        mount = f'mount -t squashfs -o ro {device.path} "{point}" && echo mounted && '
        inside = [sys.executable, "-c", "import time; time.sleep(60)"]
        if where == "here":
            inside = [*INV, device.path, "--image", str(image), "--yes", "--fixed-disk"]
        argv = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            f'{mount} exec "$@"',
            "sh",
            *inside,
        ]
        with subprocess.Popen(
            argv,
            cwd=PROJECT,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "mounted\n"
                if where == "here":
                    said, _ = process.communicate(timeout=60)
                    done = subprocess.CompletedProcess(argv, process.returncode, said, "")
                    said = failed(done, "FQ-FLASH-REFUSED", exit_status.REFUSED)
                    assert f"mounted: {point}" in said
                    assert f"umount '{point}'" in said
                else:
                    said = failed(onto(device.path, image), "FQ-FLASH-REFUSED", exit_status.REFUSED)
                    assert "somebody uses it" in said
            finally:
                process.kill()
    assert squashfs.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "said"),
    [("/dev/fq-nowhere", "No such file"), ("/dev/null", "no block device"), (__file__, "no block device")],
)
def test_no_device(image: Path, name: str, said: str) -> None:
    assert said in failed(onto(name, image), "FQ-FLASH-DEVICE", exit_status.REFUSED)
    assert not Path("/dev/fq-nowhere").exists()


def test_a_damaged_image(backing: Path, tmp_path: Path, image: Path) -> None:
    before = backing.read_bytes()
    damaged = tmp_path / "disk.img"
    damaged.write_bytes(image.read_bytes())
    described(damaged)
    with damaged.open("r+b") as file:
        file.seek(SIZE - 1)
        file.write(bytes([image.read_bytes()[-1] ^ 1]))
    with loop(backing) as device:
        assert "is damaged" in failed(onto(device.path, damaged), "FQ-FLASH-IMAGE", exit_status.IMAGE)
    assert backing.read_bytes() == before


def test_a_board_that_lacks_the_cpu(image: Path, backing: Path) -> None:
    before = backing.read_bytes()
    with loop(backing) as device:
        failed(onto(device.path, image, "--board", "alix2d13"), "FQ-BOARD", 1)
        assert backing.read_bytes() == before
        assert onto(device.path, image, "--board", "pentium3-pc").returncode == 0


def test_who_may_not_write_gets_the_command(image: Path, backing: Path) -> None:
    with loop(backing) as device:
        words = ["--image", str(image), "--yes", "--fixed-disk"]
        # As root without root's privilege, for a user could not reach the files of this test.
        less = "-dac_override,-dac_read_search"
        argv = ["setpriv", "--bounding-set", less, "--inh-caps", less, *INV, device.path, *words]
        mode = Path(device.path).stat().st_mode
        Path(device.path).chmod(0)
        try:
            done = subprocess.run(argv, cwd=PROJECT, check=False, capture_output=True, text=True)
        finally:
            Path(device.path).chmod(mode)
        said = failed(done, "FQ-FLASH-ROOT", exit_status.NOT_PERMITTED)
        assert f"sudo ./inv flash {device.path} {' '.join(words)}\n" in said
