# SPDX-License-Identifier: MIT
"""A board over its one console: attached to, used, given back; and the suite itself with --target."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from pexpect import fdpexpect
from serial_board import serial_board

from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.image.image import Image
from devkit.target.serial import Address, SerialTarget
from devkit.target.serial_line import SerialLine

#: For a board that boots under TCG on a busy host.
PATIENCE = 400.0


@pytest.fixture(scope="module")
def line(image: Image) -> Iterator[Path]:
    """The serial line of a board that was just switched on."""
    with serial_board(image) as line:
        yield line


#: Booting and attaching come first.
pytestmark = pytest.mark.timeout(900)


def attach(line: Path) -> SerialTarget:
    return SerialTarget.attach(Address(line), PATIENCE)


def test_a_board_that_boots_is_waited_for_and_used(line: Path) -> None:
    with attach(line) as board:
        assert board.run("echo out; echo err >&2; exit 3", check=False).status == 3
        data = bytes(range(256)) * 20
        board.put(data, "/tmp/file")
        assert board.get("/tmp/file") == data


def test_the_kernel_does_not_speak_into_commands(line: Path) -> None:
    with attach(line) as board:
        mark = board.log.mark()
        result = board.run("echo before; echo '<4>WARNING: said by the kernel' >/dev/kmsg; echo after")
        assert result.output == "before\nafter\n"
        assert [said.partition("] ")[2] for said in board.log.complaints(mark)] == [
            "WARNING: said by the kernel"
        ]


def test_the_line_has_one_user(line: Path) -> None:
    opened = SerialLine(line, 115200)
    try:
        # Root may open it all the same.
        argv = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", "cat", str(line)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        assert "Device or resource busy" in done.stderr
    finally:
        opened.close()


def test_people_get_their_prompt_back(line: Path) -> None:
    with attach(line) as board:
        level = board.run("cut -f 1 /proc/sys/kernel/printk").output
        assert level == "1\n"
    console = SerialLine(line, 115200)
    try:
        child = fdpexpect.fdspawn(console.fileno(), timeout=PATIENCE)
        child.send("\r")
        child.expect(r"root@fastqueue:.*# ")
        child.send("cut -f 1 /proc/sys/kernel/printk\r")
        child.expect(r"\r\n[2-9]\r\n")
    finally:
        console.close()


def test_the_suite_over_the_line(line: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        f"--target=serial:{line}",
        "tests/integration/test_target.py",
    ]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=1500)
    found = re.search(r"^(\d+) passed, (\d+) deselected", done.stdout, re.MULTILINE)
    assert found, done.stdout
    # Those that need the lab or boot targets themselves are left out, and nothing else.
    assert int(found[1]) >= 9
    assert done.returncode == 0


def test_a_board_that_is_switched_off_is_gone(image: Image) -> None:
    with serial_board(image) as line:
        board = attach(line)
        board._shell.channel.send(b"poweroff -f\n")
        with pytest.raises(KitError) as caught:
            board.run("sleep 100; echo awake", timeout=100)
        assert caught.value.code == "FQ-TARGET"
        board.close()


def test_nobody_answers(tmp_path: Path) -> None:
    child = pexpect.spawn("sleep", ["100"])
    try:
        name = Path(f"/proc/{child.pid}/fd/0").readlink()
        with pytest.raises(KitError, match="no shell answers") as caught:
            SerialTarget.attach(Address(name), patience=1)
        assert caught.value.code == "FQ-SERIAL"
    finally:
        child.close(force=True)
