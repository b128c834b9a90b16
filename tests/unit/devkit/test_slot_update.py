# SPDX-License-Identifier: MIT
"""The target's fastqueue-update, run here on files in the place of partitions."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from devkit.build import disk
from devkit.build.rootfs import OVERLAY

UPDATE = OVERLAY / "usr/bin/fastqueue-update"


@pytest.fixture
def partitions(tmp_path: Path) -> Path:
    """Slot a runs and is committed; slot b is empty. grubenv lies in the middle of the boot partition."""
    (tmp_path / "1").write_bytes(b"\0" * 51200 + disk.environment() + b"# other text\n" + b"\0" * 9999)
    for number in (2, 3):
        (tmp_path / str(number)).write_bytes(b"\0" * 100_000)
    return tmp_path


def image(size: int = 40_960, used: int | None = None) -> bytes:
    """Return what looks like a squashfs of ``size`` bytes that says that it has ``used``."""
    head = b"hsqs" + bytes(36) + (size if used is None else used).to_bytes(8, "little")
    return head + bytes(at % 251 for at in range(size - len(head)))


def update(
    partitions: Path, *words: str, data: bytes = b"", running: int = 2
) -> subprocess.CompletedProcess[bytes]:
    environment = {
        **os.environ,
        "FASTQUEUE_SLOTS": str(OVERLAY / "usr/libexec/fastqueue/slots"),
        "FASTQUEUE_PARTITIONS": str(partitions),
        "FASTQUEUE_RUNNING": str(running),
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
    }
    return subprocess.run(
        ["sh", str(UPDATE), *words], input=data, env=environment, capture_output=True, check=False
    )


def grubenv(partitions: Path) -> bytes:
    return (partitions / "1").read_bytes()[51200:51712]


def test_update_fills_the_other_slot_and_puts_it_on_trial(partitions: Path) -> None:
    new = image()
    done = update(partitions, data=new)
    assert done.returncode == 0, done.stderr
    assert (partitions / "3").read_bytes() == new + b"\0" * (100_000 - len(new))
    assert (partitions / "2").read_bytes() == b"\0" * 100_000
    assert grubenv(partitions) == disk.environment("a", "b", 1)
    assert hashlib.sha256(new).hexdigest() in done.stdout.decode()
    # The sector and nothing around it.
    boot = (partitions / "1").read_bytes()
    assert boot[:51200] == b"\0" * 51200
    assert boot[51712:] == b"# other text\n" + b"\0" * 9999


def test_from_a_file_with_its_sum(partitions: Path) -> None:
    (partitions / "new").write_bytes(image())
    sum_of_it = hashlib.sha256(image()).hexdigest()
    assert update(partitions, "--sha256", sum_of_it, str(partitions / "new")).returncode == 0
    assert grubenv(partitions) == disk.environment("a", "b", 1)


def test_the_trial_commits_itself_and_the_next_update_goes_back(partitions: Path) -> None:
    assert update(partitions, data=image()).returncode == 0
    assert update(partitions, "--commit", running=3).returncode == 0
    assert grubenv(partitions) == disk.environment("b")
    assert update(partitions, data=image(8192), running=3).returncode == 0
    assert grubenv(partitions) == disk.environment("b", "a", 1)
    assert (partitions / "2").read_bytes()[:8192] == image(8192)


def test_status(partitions: Path) -> None:
    done = update(partitions, "--status", running=3)
    assert done.stdout.decode().split() == ["running=b", "slot=a", "trial=", "tries=0"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (image()[:8192], "cut off"),
        (image()[:5000], "cut off"),
        (b"", "0 bytes"),
        (b"x" * 8192, "no slot image"),
        (image() + b"\0", "40961 bytes"),
    ],
)
def test_what_is_no_slot_image_is_never_put_on_trial(data: bytes, why: str, partitions: Path) -> None:
    done = update(partitions, data=data)
    assert done.returncode != 0
    assert why in done.stderr.decode()
    assert grubenv(partitions) == disk.environment("a")


def test_a_slot_that_is_too_small_is_told(partitions: Path) -> None:
    (partitions / "3").unlink()
    (partitions / "3").symlink_to("/dev/full")
    done = update(partitions, data=image())
    assert done.returncode != 0
    assert "slot b cannot be written" in done.stderr.decode()
    assert grubenv(partitions) == disk.environment("a")


def test_a_wrong_sum_is_told(partitions: Path) -> None:
    done = update(partitions, "--sha256", "0" * 64, data=image())
    assert done.returncode != 0
    assert "SHA-256" in done.stderr.decode()
    assert grubenv(partitions) == disk.environment("a")


def test_an_older_trial_is_called_off_before_its_slot_is_written(partitions: Path) -> None:
    assert update(partitions, data=image()).returncode == 0
    assert update(partitions, data=b"x" * 8192).returncode != 0
    assert grubenv(partitions) == disk.environment("a")


def test_no_update_over_the_committed_slot_while_a_trial_runs(partitions: Path) -> None:
    assert update(partitions, data=image()).returncode == 0
    before = (partitions / "2").read_bytes()
    done = update(partitions, data=image(8192), running=3)
    assert done.returncode != 0
    assert "on trial" in done.stderr.decode()
    assert (partitions / "2").read_bytes() == before


def test_a_slot_that_runs_in_place_of_the_committed_one_is_committed_first(partitions: Path) -> None:
    assert update(partitions, data=b"x" * 8192, running=3).returncode != 0
    assert grubenv(partitions) == disk.environment("b")


def test_one_update_at_a_time(partitions: Path) -> None:
    place = partitions / "fastqueue-update"
    place.mkdir()
    done = update(partitions, data=image())
    assert done.returncode != 0
    assert "another update runs" in done.stderr.decode()
    assert place.exists()
    assert (partitions / "3").read_bytes() == b"\0" * 100_000
    assert grubenv(partitions) == disk.environment("a")
    place.rmdir()
    assert update(partitions, data=image()).returncode == 0
    assert not place.exists()


def test_a_sum_without_a_value(partitions: Path) -> None:
    done = update(partitions, "--sha256", data=image())
    assert done.returncode != 0
    assert "which SHA-256?" in done.stderr.decode()
    assert grubenv(partitions) == disk.environment("a")


@pytest.mark.parametrize(
    "content", [b"", disk.environment() + bytes(512) + disk.environment(), b"x" + disk.environment()]
)
def test_a_boot_partition_without_grubenv_in_one_sector(content: bytes, partitions: Path) -> None:
    (partitions / "1").write_bytes(content)
    done = update(partitions, data=image())
    assert done.returncode != 0
    assert "grubenv" in done.stderr.decode()
    assert (partitions / "3").read_bytes() == b"\0" * 100_000
