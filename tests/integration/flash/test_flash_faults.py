# SPDX-License-Identifier: MIT
"""invoke flash on media that lie, break, or are pulled."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest
from devices import faulty
from flashing import AS_ROOT, MIB, ROOM, SIZE, begun, failed, finished, onto, start, until

from devkit.flash import exit_status

pytestmark = AS_ROOT


# --- Media that fail


@pytest.mark.parametrize(
    "place", [0, 5 * MIB, SIZE - 512, ROOM - MIB], ids=["first", "middle", "last", "rest"]
)
def test_write_error(image: Path, backing: Path, place: int) -> None:
    with faulty(backing, fail={"write": place}) as made:
        said = failed(onto(made.loop.path, image), "FQ-FLASH-WRITE", exit_status.WRITE)
    assert f"writing to {made.loop.path} failed at or after byte {place // MIB * MIB} of {SIZE}" in said
    assert "Input/output error" in said
    assert f"{made.loop.path} is incomplete" in said
    if place:  # else the first sector kept what it had
        assert backing.read_bytes()[:512] == bytes(512)


def test_write_error_in_the_middle_of_a_request(image: Path, backing: Path) -> None:
    """Some kernels' loop driver takes a short write for a whole one: what is read back tells."""
    with faulty(backing, fail={"write": 5 * MIB + MIB // 4}) as made:
        done = onto(made.loop.path, image)
    assert done.returncode in {exit_status.WRITE, exit_status.VERIFY}, done.stderr
    assert "FQ-FLASH-" in done.stderr


def test_flush_error(image: Path, backing: Path) -> None:
    with faulty(backing, fail={"flush": 0}) as made:
        failed(onto(made.loop.path, image), "FQ-FLASH-WRITE", exit_status.WRITE)


def test_read_error(image: Path, backing: Path) -> None:
    with faulty(backing, fail={"read": 5 * MIB}) as made:
        said = failed(onto(made.loop.path, image), "FQ-FLASH-VERIFY", exit_status.VERIFY)
    assert f"reading {made.loop.path} back failed at byte {5 * MIB}: Input/output error" in said


def test_a_medium_that_forgets(image: Path, backing: Path) -> None:
    """What was written may be in the kernel's cache; only the device itself knows better."""
    with faulty(backing, forget=True) as made:
        said = failed(onto(made.loop.path, image), "FQ-FLASH-VERIFY", exit_status.VERIFY)
    assert f"{made.loop.path}: byte 0 reads back otherwise" in said


def test_a_counterfeit_medium(image: Path, backing: Path) -> None:
    """It claims twice the room that it has, and begins again at its begin."""
    with faulty(backing, wraps=4 * MIB) as made:
        said = failed(onto(made.loop.path, image), "FQ-FLASH-VERIFY", exit_status.VERIFY)
    assert re.search(rf"{made.loop.path}: byte \d+ reads back otherwise", said)


@pytest.mark.parametrize("place", [12345, SIZE - 1, ROOM - 1], ids=["image", "end", "cleared"])
def test_one_byte_changes(image: Path, backing: Path, place: int) -> None:
    with faulty(backing, rate={"read": 16 * MIB}) as made, start(made.loop, image) as process:
        until(process, "✓ write")
        with backing.open("r+b", buffering=0) as file:
            changed = os.pread(file.fileno(), 1, place)[0] ^ 0x10
            os.pwrite(file.fileno(), bytes([changed]), place)
        said = failed(finished(process), "FQ-FLASH-VERIFY", exit_status.VERIFY)
    assert f"byte {place} reads back otherwise" in said


def test_pulled_while_writing(image: Path, backing: Path) -> None:
    with faulty(backing, rate={"write": 2 * MIB}) as made, start(made.loop, image) as process:
        begun(backing, image)
        made.pull()
        failed(finished(process), "FQ-FLASH-WRITE", exit_status.WRITE)


def test_pulled_while_reading_back(image: Path, backing: Path) -> None:
    with faulty(backing, rate={"read": 2 * MIB}) as made, start(made.loop, image) as process:
        until(process, "✓ write")
        made.pull()
        failed(finished(process), "FQ-FLASH-VERIFY", exit_status.VERIFY)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_while_writing(image: Path, backing: Path, number: signal.Signals) -> None:
    with faulty(backing, rate={"write": 2 * MIB}) as made, start(made.loop, image) as process:
        begun(backing, image)
        process.send_signal(number)
        said = failed(finished(process), "FQ-FLASH-INTERRUPTED", exit_status.INTERRUPTED)
    assert f"{made.loop.path} is incomplete and does not boot" in said
    assert backing.read_bytes()[:512] == bytes(512)


def test_interrupted_while_reading_back(image: Path, backing: Path) -> None:
    with faulty(backing, rate={"read": 2 * MIB}) as made, start(made.loop, image) as process:
        until(process, "✓ write")
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said = failed(finished(process), "FQ-FLASH-INTERRUPTED", exit_status.INTERRUPTED)
    assert "was not compared" in said
    assert backing.read_bytes()[:SIZE] == image.read_bytes()


def test_lines_without_a_terminal_have_rate_and_time_left(image: Path, backing: Path) -> None:
    with faulty(backing, rate={"write": MIB * 5 // 4}) as made:
        done = onto(made.loop.path, image)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^… write .* of 8\.4 MB  \d+ %  [\d.]+ .B/s  \d+ s left$", done.stdout, re.MULTILINE)


def test_nobody_listens_any_more(image: Path, backing: Path) -> None:
    """What the news went to is gone: the device is written and compared all the same."""
    with faulty(backing, rate={"write": 4 * MIB}) as made, start(made.loop, image) as process:
        begun(backing, image)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 0
    assert backing.read_bytes()[:SIZE] == image.read_bytes()
