# SPDX-License-Identifier: MIT
"""Failures leave the tasks as messages with a status."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from invoke.exceptions import Exit

from devkit.commands import exit_on_error
from devkit.host.errors import KitError


def _raising(error: BaseException) -> Exit:
    @exit_on_error.exit_on_error
    def body() -> None:
        raise error

    with pytest.raises(Exit) as caught:
        body()
    return caught.value


def test_kit_error_keeps_message_and_status() -> None:
    done = _raising(KitError("FQ-X", "it broke", "mend it", status=7, lines=["last words"]))
    assert done.code == 7
    assert str(done.message) == "FQ-X: it broke\n    | last words\n  remedy: mend it"


def test_interrupt() -> None:
    assert _raising(KeyboardInterrupt()).code == 130


def test_the_unforeseen_is_one_line_and_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exit_on_error, "LOGS", tmp_path / "logs")
    done = _raising(ZeroDivisionError("oh"))
    assert done.code == 1
    assert str(done.message).startswith("FQ-BUG: ZeroDivisionError: oh\n")
    assert "Traceback" not in str(done.message)
    assert "Traceback" in (tmp_path / "logs/traceback.log").read_text()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_place_that_cannot_be_used_is_no_fault_of_the_kit(number: int) -> None:
    done = _raising(OSError(number, os.strerror(number), "/checkout/out/.lock"))
    assert done.code == 1
    assert str(done.message).startswith(
        f"FQ-PLACE: /checkout/out/.lock cannot be used: {os.strerror(number)}\n"
    )


def test_other_errors_of_the_system_are_unforeseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exit_on_error, "LOGS", tmp_path / "logs")
    for error in (OSError(errno.EIO, "broken", "/file"), OSError(errno.ENOSPC, "full")):
        assert str(_raising(error).message).startswith("FQ-BUG: ")


def test_the_body_keeps_its_name_and_arguments() -> None:
    @exit_on_error.exit_on_error
    def body(word: str, *, count: int = 1) -> None:
        """What it does."""
        assert (word, count) == ("a", 2)

    body("a", count=2)
    assert (body.__name__, body.__doc__) == ("body", "What it does.")
