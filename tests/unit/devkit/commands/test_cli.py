# SPDX-License-Identifier: MIT
"""The command line: wrong arguments, words after the dashes, the list of tasks."""

from __future__ import annotations

import pytest

from devkit.commands.cli import Inv, after_dashes
from devkit.host.paths import PROJECT


def _run(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        Inv().run(["./inv", "--search-root", str(PROJECT), *words])
    return caught.value.code


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-task"], "no-such-task"),
        (["build", "--no-such-option"], "--no-such-option"),
        (["build", "--base"], "base"),
        (["--no-such-option"], "--no-such-option"),
        (["boot", "--mem", "abc"], "abc"),
        (["demo", "--seconds", "soon"], "soon"),
    ],
)
def test_wrong_arguments_have_a_message_and_a_remedy(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(*words) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("FQ-ARGUMENT: ")
    assert said in shown
    assert "remedy: ./inv --" in shown


def test_every_task_has_a_line_in_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    Inv().run(["./inv", "--search-root", str(PROJECT), "--list"], exit=False)
    shown = capsys.readouterr().out
    for name in ("doctor", "build", "clean", "demo", "test", "lint", "kmod.reload"):
        (line,) = [line for line in shown.splitlines() if line.startswith(f"  {name} ")]
        assert len(line.split()) > 3


def test_words_after_the_dashes_stay_apart() -> None:
    assert after_dashes(["inv", "run", "--", "echo", "a  b", "--", "c"]) == ["echo", "a  b", "--", "c"]
    assert after_dashes(["inv", "run"]) == []
