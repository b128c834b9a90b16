# SPDX-License-Identifier: MIT
"""Modules, rules and handlers come in one order and go in the other, whatever fails."""

from pathlib import Path
from typing import cast

import pytest

from devkit.host.errors import KitError
from devkit.measure import data_path
from devkit.target import kernel_modules, nftables
from devkit.target.kernel_log import KernelLog
from devkit.target.qemu import Target
from devkit.target.shell import Result


class Recorder:
    """A target with modules; ``broken`` is a word of the commands that fail."""

    def __init__(self, tmp_path: Path, broken: str = "none") -> None:
        self.log = KernelLog(tmp_path / "kernel.log")
        self.log.path.write_text("[    1.0] fastqueue: nothing\n")
        self.modules = {"nft_queue"}
        self.commands: list[str] = []
        self.broken = broken

    def run(self, command: str | list[str], *, timeout: float = 60, check: bool = True) -> Result:
        words = command if isinstance(command, list) else command.split()
        if words == ["cat", "/proc/modules"]:
            return Result(0, "".join(f"{name} 4096 0 - Live\n" for name in sorted(self.modules)).encode())
        self.commands.append(" ".join(words[:2]))
        if self.broken in words:
            self.log.path.write_text("[    2.0] fastqueue: no room\n")
            return Result(1, b"device or resource busy\n")
        if words[0] == "modprobe":
            self.modules.add(words[1])
        if words[0] == "rmmod":
            self.modules.remove(words[1])
        return Result(0, b"")


@pytest.fixture
def target(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


def test_the_modules_exclude_each_other(target: Recorder) -> None:
    kernel_modules.load_only(cast(Target, target), kernel_modules.NFQUEUE)
    kernel_modules.load_only(cast(Target, target), kernel_modules.FASTQUEUE)
    kernel_modules.load_only(cast(Target, target), kernel_modules.FASTQUEUE)
    assert target.commands == ["modprobe nfnetlink_queue", "rmmod nfnetlink_queue", "modprobe fastqueue"]
    with kernel_modules.loaded_during(cast(Target, target), None):
        assert target.modules == {"nft_queue"}


def test_a_module_that_is_refused_is_told_in_the_kernels_words(tmp_path: Path) -> None:
    target = Recorder(tmp_path, broken="modprobe")
    target.log.path.unlink()
    with pytest.raises(KitError) as caught:
        kernel_modules.load(cast(Target, target), kernel_modules.FASTQUEUE)
    assert caught.value.code == "FQ-MODULE"
    assert caught.value.lines == ["device or resource busy", "[    2.0] fastqueue: no room"]


def test_rules_replace_older_ones_in_one_step_and_go(target: Recorder) -> None:
    with (
        pytest.raises(ValueError, match="in between"),
        nftables.rules_installed(cast(Target, target), "accept"),
    ):
        raise ValueError("in between")
    assert target.commands == [f"nft {nftables.script(['accept'])}", f"nft {nftables.DELETE}"]


def test_rules_are_asked_in_their_order() -> None:
    text = nftables.script(["udp dport 9 accept", nftables.queue_all(3, bypass=True)])
    assert text.index("udp dport 9 accept") < text.index("queue num 3 bypass")
    assert text.startswith(nftables.DELETE)


def test_plain_forwarding_has_no_handler_and_no_module(target: Recorder) -> None:
    with data_path.active(cast(Target, target), data_path.PLAIN) as handler:
        assert handler is None
    assert target.commands == []
    assert len({path.name for path in data_path.ALL}) == len(data_path.ALL)
