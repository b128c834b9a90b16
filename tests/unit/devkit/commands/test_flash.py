# SPDX-License-Identifier: MIT
"""What comes before any device is opened: words of the command line, questions, interrupts."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from devkit.commands import cli
from devkit.flash import confirm, exit_status, interrupts
from devkit.flash.block_device import Device
from devkit.host.errors import KitError
from devkit.target import console

STICK = Device("sdb", "/dev/sdb", "8:16", "disk", 10**9)
INV = ["inv", "--search-root", "/home/flash"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["flash"], ["flash"]),
        (["flash", "/dev/sdb"], ["flash", "--device", "/dev/sdb"]),
        (["flash", "--yes", "/dev/sdb"], ["flash", "--yes", "--device", "/dev/sdb"]),
        (
            ["flash", "--image", "disk.img", "/dev/sdb", "--yes"],
            ["flash", "--image", "disk.img", "--device", "/dev/sdb", "--yes"],
        ),
        (["flash", "--image=disk.img"], ["flash", "--image=disk.img"]),
        (["flash", "--device", "/dev/sdb"], ["flash", "--device", "/dev/sdb"]),
        (["run", "--", "flash", "/dev/sdb"], ["run", "--", "flash", "/dev/sdb"]),
        (["boot", "--lab", "flash", "status"], ["boot", "--lab", "flash", "status"]),
        ([], []),
    ],
)
def test_the_device_needs_no_option(words: list[str], expected: list[str]) -> None:
    assert cli.with_device([*INV, *words]) == [*INV, *expected]


@pytest.mark.parametrize("typed", ["sdb", "/dev/sdb", " sdb "])
def test_the_right_name(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr(console, "is_interactive", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: typed)
    confirm.confirm(STICK)


@pytest.mark.parametrize("typed", ["", "y", "yes", "sda", "/dev/sdb1"])
def test_another_name(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr(console, "is_interactive", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: typed)
    with pytest.raises(KitError, match="nothing was written") as caught:
        confirm.confirm(STICK)
    assert (caught.value.code, caught.value.status) == ("FQ-FLASH-CONFIRM", exit_status.NOT_CONFIRMED)


def test_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "is_interactive", lambda: False)
    with pytest.raises(KitError, match="no terminal") as caught:
        confirm.confirm(STICK)
    assert "--yes" in caught.value.remedy


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal that is not ignored, as a shell in the background or nohup would have it."""
    number: signal.Signals = request.param
    heard = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, heard)
    yield number
    signal.signal(number, before)


def test_interrupts_are_told_and_handlers_restored(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with (
        pytest.raises(KitError, match="it is incomplete") as caught,
        interrupts.message_on_interrupt("it is incomplete", "again"),
    ):
        os.kill(os.getpid(), number)
        signal.pause()
    assert caught.value.status == exit_status.INTERRUPTED
    assert signal.getsignal(number) == before


def test_what_an_interrupt_says_changes_with_the_steps(number: signal.Signals) -> None:
    with (
        pytest.raises(KitError, match="it is written"),
        interrupts.message_on_interrupt("it is incomplete", "again") as now,
    ):
        now("it is written")
        os.kill(os.getpid(), number)
        signal.pause()
