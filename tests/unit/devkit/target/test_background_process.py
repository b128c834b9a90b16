# SPDX-License-Identifier: MIT
import subprocess
from pathlib import Path
from typing import cast

import pytest

from devkit.host.errors import KitError
from devkit.target import background_process
from devkit.target.background_process import Background
from devkit.target.qemu import Target
from devkit.target.shell import Result


class Here:
    """A target that is this host: commands run in its shell."""

    def run(self, command: str | list[str], *, timeout: float = 60, check: bool = True) -> Result:
        argv = ["sh", "-c", command] if isinstance(command, str) else command
        done = subprocess.run(
            argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout
        )
        assert not (check and done.returncode), done.stdout
        return Result(done.returncode, done.stdout)


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Target:
    monkeypatch.setattr(background_process, "_FOLDER", str(tmp_path))
    return cast(Target, Here())


def test_ready_then_stopped_with_its_status_and_output(target: Target, tmp_path: Path) -> None:
    program = "trap 'echo bye; exit 7' TERM; echo ready: one two; while :; do sleep 0.01; done"
    handler = Background(target, ["sh", "-c", program])
    assert handler.wait_ready() == "ready: one two"
    assert Path(f"/proc/{handler.pid}").exists()
    ended = handler.stop()
    assert (ended.status, ended.output) == (7, "ready: one two\nbye\n")
    assert not Path(f"/proc/{handler.pid}").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_ends_early_is_told_with_its_words(target: Target) -> None:
    handler = Background(target, ["sh", "-c", "echo no such queue >&2; exit 1"])
    with pytest.raises(KitError) as caught:
        handler.wait_ready()
    assert caught.value.code == "FQ-HANDLER"
    assert caught.value.lines == ["no such queue"]
    assert handler.wait().status == 1


def test_a_program_that_is_never_ready_is_told(target: Target) -> None:
    with Background(target, ["sleep", "60"]) as handler, pytest.raises(KitError, match="not ready"):
        handler.wait_ready(timeout=0.2)


def test_killed_is_128_and_the_signal(target: Target) -> None:
    handler = Background(target, ["sleep", "60"])
    assert handler.stop("KILL").status == 137


def test_one_that_was_stopped_ends_too(target: Target) -> None:
    handler = Background(target, ["sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"])
    handler.wait_ready()
    handler.signal("STOP")
    assert handler.stop(timeout=10.0).status == 7


def test_words_with_blanks_and_quotes_arrive_whole(target: Target) -> None:
    handler = Background(target, ["printf", "%s\\n", "it's", "a b", '"$x"'])
    assert handler.wait().output == 'it\'s\na b\n"$x"\n'


def test_one_that_withstands_is_killed(target: Target) -> None:
    handler = Background(target, ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done"])
    handler.wait_ready()
    with pytest.raises(KitError, match="does not end"):
        handler.stop(timeout=0.3)
    assert handler.wait().status == 137
