# SPDX-License-Identifier: MIT
"""The target's fastqueue-update, run here on files in the place of partitions."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from devkit.image import disk_image
from devkit.image.rootfs import OVERLAY

UPDATE = OVERLAY / "usr/bin/fastqueue-update"
#: Where grubenv and its copy begin in the boot partition, and what lies beside them.
FIRST, COPY = 51_200, 102_400
OTHER = b"# other text\n"


@pytest.fixture
def partitions(tmp_path: Path) -> Path:
    """Slot a runs and is committed; slot b is empty. grubenv and its copy lie in the boot partition."""
    space = COPY - FIRST - 512
    (tmp_path / "1").write_bytes(
        b"\0" * FIRST
        + disk_image.environment()
        + OTHER.ljust(space, b"\0")
        + disk_image.environment()
        + OTHER
    )
    for number in (2, 3):
        (tmp_path / str(number)).write_bytes(b"\0" * 100_000)
    return tmp_path


def image(size: int = 40_960, used: int | None = None) -> bytes:
    """Return what looks like a squashfs of ``size`` bytes that says that it has ``used``."""
    head = b"hsqs" + bytes(36) + (size if used is None else used).to_bytes(8, "little")
    return head + bytes(at % 251 for at in range(size - len(head)))


def update(
    partitions: Path, *words: str, data: bytes = b"", running: int = 2, told: bool = True
) -> subprocess.CompletedProcess[bytes]:
    environment = _environment(partitions, running, told=told)
    return subprocess.run(
        ["sh", str(UPDATE), *words], input=data, env=environment, capture_output=True, check=False
    )


def _environment(partitions: Path, running: int = 2, *, told: bool = True) -> dict[str, str]:
    return {
        **os.environ,
        "FASTQUEUE_SLOTS": str(OVERLAY / "usr/libexec/fastqueue/slots"),
        "FASTQUEUE_PARTITIONS": str(partitions),
        "FASTQUEUE_RUNNING": str(running),
        "FASTQUEUE_ENVIRONMENT": f"{FIRST // 512},{COPY // 512}" if told else "",
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
    }


def grubenv(partitions: Path, at: int = FIRST) -> bytes:
    return (partitions / "1").read_bytes()[at : at + 512]


def test_update_fills_the_other_slot_and_puts_it_on_trial(partitions: Path) -> None:
    new = image()
    done = update(partitions, data=new)
    assert done.returncode == 0, done.stderr
    assert (partitions / "3").read_bytes() == new + b"\0" * (100_000 - len(new))
    assert (partitions / "2").read_bytes() == b"\0" * 100_000
    assert grubenv(partitions) == disk_image.environment("a", "b", 1)
    assert hashlib.sha256(new).hexdigest() in done.stdout.decode()
    # The sector and nothing around it.
    boot = (partitions / "1").read_bytes()
    assert boot[:FIRST] == b"\0" * FIRST
    assert boot[FIRST + 512 : COPY] == OTHER.ljust(COPY - FIRST - 512, b"\0")
    assert boot[COPY:] == disk_image.environment("a") + OTHER


def test_from_a_file_with_its_sum(partitions: Path) -> None:
    (partitions / "new").write_bytes(image())
    sum_of_it = hashlib.sha256(image()).hexdigest()
    assert update(partitions, "--sha256", sum_of_it, str(partitions / "new")).returncode == 0
    assert grubenv(partitions) == disk_image.environment("a", "b", 1)


def test_the_trial_commits_itself_and_the_next_update_goes_back(partitions: Path) -> None:
    assert update(partitions, data=image()).returncode == 0
    assert update(partitions, "--commit", running=3).returncode == 0
    assert grubenv(partitions) == grubenv(partitions, COPY) == disk_image.environment("b")
    assert update(partitions, data=image(8192), running=3).returncode == 0
    assert grubenv(partitions) == disk_image.environment("b", "a", 1)
    assert grubenv(partitions, COPY) == disk_image.environment("b")
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
    assert grubenv(partitions) == disk_image.environment("a")


def test_a_slot_that_is_too_small_is_told(partitions: Path) -> None:
    (partitions / "3").unlink()
    (partitions / "3").symlink_to("/dev/full")
    done = update(partitions, data=image())
    assert done.returncode != 0
    assert "slot b cannot be written" in done.stderr.decode()
    assert grubenv(partitions) == disk_image.environment("a")


def test_a_wrong_sum_is_told(partitions: Path) -> None:
    done = update(partitions, "--sha256", "0" * 64, data=image())
    assert done.returncode != 0
    assert "SHA-256" in done.stderr.decode()
    assert grubenv(partitions) == disk_image.environment("a")


def test_an_older_trial_is_called_off_before_its_slot_is_written(partitions: Path) -> None:
    assert update(partitions, data=image()).returncode == 0
    assert update(partitions, data=b"x" * 8192).returncode != 0
    assert grubenv(partitions) == disk_image.environment("a")


def test_no_update_over_the_committed_slot_while_a_trial_runs(partitions: Path) -> None:
    assert update(partitions, data=image()).returncode == 0
    before = (partitions / "2").read_bytes()
    done = update(partitions, data=image(8192), running=3)
    assert done.returncode != 0
    assert "on trial" in done.stderr.decode()
    assert (partitions / "2").read_bytes() == before


def test_a_slot_that_runs_in_place_of_the_committed_one_is_committed_first(partitions: Path) -> None:
    assert update(partitions, data=b"x" * 8192, running=3).returncode != 0
    assert grubenv(partitions) == disk_image.environment("b")


def _begun(partitions: Path) -> subprocess.Popen[bytes]:
    """An update that waits for more of its image, in a process group of its own."""
    process = subprocess.Popen(
        ["sh", str(UPDATE)], env=_environment(partitions), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while not list(partitions.glob("fastqueue-update.*/size")):
        assert process.poll() is None
        time.sleep(0.01)
    return process


def _refused(partitions: Path) -> bool:
    done = update(partitions, data=image())
    assert done.returncode == 0 or "another update runs" in done.stderr.decode()
    return done.returncode != 0


def test_one_update_at_a_time(partitions: Path) -> None:
    first = _begun(partitions)
    assert _refused(partitions)
    assert grubenv(partitions) == disk_image.environment("a")
    first.communicate(image())
    assert first.returncode == 0
    assert grubenv(partitions) == disk_image.environment("a", "b", 1)
    assert not list(partitions.glob("fastqueue-update*"))


def test_an_update_that_was_killed_is_in_nobodys_way(partitions: Path) -> None:
    first = _begun(partitions)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert not _refused(partitions)
    assert (partitions / "3").read_bytes().startswith(image())
    assert not list(partitions.glob("fastqueue-update*"))


def test_a_slot_that_is_still_written_to_is_not_taken(partitions: Path) -> None:
    """Its shell was killed, but not what it had started."""
    first = _begun(partitions)
    first.kill()
    first.wait()
    assert _refused(partitions)
    assert first.stdin is not None
    first.stdin.close()
    deadline = time.monotonic() + 60
    while _refused(partitions):
        assert time.monotonic() < deadline
    assert not list(partitions.glob("fastqueue-update*"))


def test_a_sum_without_a_value(partitions: Path) -> None:
    done = update(partitions, "--sha256", data=image())
    assert done.returncode != 0
    assert "which SHA-256?" in done.stderr.decode()
    assert grubenv(partitions) == disk_image.environment("a")


@pytest.mark.parametrize(
    "content",
    [b"", disk_image.environment() + bytes(512) + disk_image.environment(), b"x" + disk_image.environment()],
)
def test_an_older_disk_without_grubenv_in_one_sector(content: bytes, partitions: Path) -> None:
    (partitions / "1").write_bytes(content)
    done = update(partitions, data=image(), told=False)
    assert done.returncode != 0
    assert "boot partition" in done.stderr.decode()
    assert (partitions / "3").read_bytes() == b"\0" * 100_000


def test_an_older_disk_has_one_place(partitions: Path) -> None:
    """There the sector is found by its signature."""
    (partitions / "1").write_bytes(bytes(FIRST) + disk_image.environment() + OTHER)
    assert update(partitions, "--commit", running=3, told=False).returncode == 0
    assert (partitions / "1").read_bytes() == bytes(FIRST) + disk_image.environment("b") + OTHER
    assert update(partitions, data=image(), running=3, told=False).returncode == 0
    assert grubenv(partitions) == disk_image.environment("b", "a", 1)


GOOD = disk_image.environment("b")
LOST = {
    "zero": bytes(512),
    "ones": b"\xff" * 512,
    "half": GOOD[:26] + bytes(486),
    "hash": b"#" * 512,
    "slot": disk_image.environment("x"),
    "tries": disk_image.environment("a").replace(b"tries=0\n#", b"tries=zz\n"),
    "trial": disk_image.environment("a").replace(b"trial=\n", b"trial=c\n").removesuffix(b"#"),
    "text": b"slot=b\ntrial=\n".ljust(512, b"#"),
}


def lose(partitions: Path, content: bytes, *places: int) -> None:
    with (partitions / "1").open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(content)


@pytest.mark.parametrize("places", [(FIRST,), (COPY,), (FIRST, COPY)], ids=["first", "copy", "both"])
@pytest.mark.parametrize("content", LOST.values(), ids=LOST.keys())
def test_a_lost_sector_locks_nothing_out(content: bytes, places: tuple[int, ...], partitions: Path) -> None:
    """Slot b was committed and runs; status, commit and update work, and write what was lost."""
    assert update(partitions, "--commit", running=3).returncode == 0
    lose(partitions, content, *places)
    done = update(partitions, "--status", running=3)
    assert done.stdout.decode().split() == ["running=b", "slot=b", "trial=", "tries=0"]
    assert update(partitions, data=image(), running=3).returncode == 0
    assert grubenv(partitions) == disk_image.environment("b", "a", 1)
    assert grubenv(partitions, COPY) == disk_image.environment("b")
    lose(partitions, content, *places)
    assert update(partitions, "--commit", running=3).returncode == 0
    assert grubenv(partitions) == grubenv(partitions, COPY) == disk_image.environment("b")


@pytest.mark.parametrize("content", LOST.values(), ids=LOST.keys())
def test_a_boot_writes_what_was_lost(content: bytes, partitions: Path) -> None:
    assert update(partitions, "--repair").stdout == b""
    lose(partitions, content, FIRST, COPY)
    done = update(partitions, "--repair", running=3)
    assert (done.returncode, done.stdout) == (0, b"grubenv was lost: slot b is committed, as it runs\n")
    assert grubenv(partitions) == grubenv(partitions, COPY) == disk_image.environment("b")
    assert update(partitions, "--repair", running=3).stdout == b""


def test_a_trial_is_not_called_off_by_the_loss_of_the_copy(partitions: Path) -> None:
    assert update(partitions, data=image()).returncode == 0
    lose(partitions, bytes(512), COPY)
    assert update(partitions, "--repair").stdout == b"grubcopy was lost\n"
    assert grubenv(partitions) == disk_image.environment("a", "b", 1)
    assert grubenv(partitions, COPY) == disk_image.environment("a")


def test_the_copy_never_names_the_slot_that_is_being_written(partitions: Path) -> None:
    """The boot loader may have to trust it at any moment: as after a commit that power cut in two."""
    lose(partitions, disk_image.environment("b"), FIRST)
    done = update(partitions, data=b"x" * 8192, running=3)
    assert "no slot image" in done.stderr.decode()
    assert grubenv(partitions, COPY) == disk_image.environment("b")


@pytest.mark.parametrize("told", ["1", "1,", ",2", "1,2,3", "a,b", "1,-2", "1 2"])
def test_what_is_no_pair_of_sectors_is_not_taken_for_one(told: str, partitions: Path) -> None:
    """Here the signature is there twice, so that neither is taken."""
    environment = {**os.environ, "FASTQUEUE_ENVIRONMENT": told, "FASTQUEUE_PARTITIONS": str(partitions)}
    script = f'. {OVERLAY}/usr/libexec/fastqueue/slots; environment_sectors "$(partition 1)"'
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
