# SPDX-License-Identifier: MIT
from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pexpect import EOF

from devkit.commands import test
from devkit.host.errors import KitError
from devkit.target.channel import Channel
from devkit.target.serial import Address
from devkit.target.serial_line import SerialLine


@pytest.fixture
def ends() -> Iterator[tuple[int, Path]]:
    """A pseudo-terminal: the far end's descriptor, and the near end's path."""
    far, near = os.openpty()
    yield far, Path(os.ttyname(near))
    os.close(near)
    os.close(far)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("serial:/dev/ttyUSB0", Address(Path("/dev/ttyUSB0"), 115200)),
        ("serial:/dev/ttyS1@38400", Address(Path("/dev/ttyS1"), 38400)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["", "/dev/ttyUSB0", "serial:", "serial:/dev/ttyUSB0@fast", "ssh:board"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(KitError) as caught:
        Address.parse(text)
    assert (caught.value.code, caught.value.status) == ("FQ-ARGUMENT", 2)


def test_bytes_pass_as_they_are(ends: tuple[int, Path]) -> None:
    far, path = ends
    line = SerialLine(path, 115200)
    line.settimeout(5)
    every = bytes(range(256))
    assert line.send(every) == 256
    assert os.read(far, 1000) == every
    os.write(far, every)
    assert line.recv(1000) == every
    line.close()


def test_nothing_comes(ends: tuple[int, Path]) -> None:
    line = SerialLine(ends[1], 115200)
    line.settimeout(0.01)
    with pytest.raises(TimeoutError):
        line.recv(1)
    line.close()


def test_a_line_that_takes_no_more(ends: tuple[int, Path]) -> None:
    line = SerialLine(ends[1], 115200)
    line.settimeout(0.01)
    with pytest.raises(TimeoutError):
        while True:
            line.send(bytes(4096))
    line.close()


def test_a_channel_over_a_line(ends: tuple[int, Path]) -> None:
    far, path = ends
    channel = Channel(SerialLine(path, 115200))
    threading.Timer(0.1, os.write, (far, b"login: ")).start()
    channel.expect(rb"login: ", timeout=10)
    channel.send(b"root\n")
    assert os.read(far, 100) == b"root\n"
    channel.close()
    with pytest.raises(EOF):
        channel.read_nonblocking(1, 5)


def test_no_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "none", Path("/dev/null")):
        with pytest.raises(KitError, match=str(path)) as caught:
            SerialLine(path, 115200)
        assert caught.value.code == "FQ-SERIAL"


def test_no_speed(ends: tuple[int, Path]) -> None:
    with pytest.raises(KitError, match="12345 is no speed"):
        SerialLine(ends[1], 12345)


def test_the_suite_for_a_board() -> None:
    (argv,) = test.plan_board("serial:/dev/ttyUSB0", "kernel", ["-x"])
    assert argv[3:] == ["pytest", "-k", "kernel", "-x", "--target=serial:/dev/ttyUSB0", "tests/integration"]
