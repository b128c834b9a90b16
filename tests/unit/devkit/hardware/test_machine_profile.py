# SPDX-License-Identifier: MIT
from __future__ import annotations

from pathlib import Path

import pytest

from devkit.hardware import machine_profile
from devkit.host.errors import KitError

GOOD = 'summary = "x"\naccelerator = "tcg"\ncpu = "pentium3"\nboot_timeout = 9\narguments = ["-a", "1"]\n'


def test_those_of_the_kit() -> None:
    assert {"kvm", "p3", "p3-1g"} <= set(machine_profile.names())
    for name in machine_profile.names():
        assert machine_profile.load(name).cpu == ("qemu64" if name == "smp64" else "pentium3")
    assert "shift=0,sleep=on" in machine_profile.load("p3-1g").arguments
    assert machine_profile.load("kvm").fallback == "p3"


def test_load(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD + 'fallback = "p3"\n')
    found = machine_profile.load("mine", tmp_path)
    assert found == machine_profile.Profile("mine", "x", "tcg", "pentium3", 9, ("-a", "1"), "p3")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("boot_timeout = 9\n", ""), "boot_timeout"),
        (GOOD.replace("9", '"soon"'), "boot_timeout"),
        (GOOD.replace("tcg", "hvf"), "one of tcg, kvm"),
        (GOOD + "colour = 1\n", "unknown: colour"),
        (GOOD + 'program = "sh"\n', "one of qemu-system-i386"),
        ("not toml", "mine.toml"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(KitError, match=said) as caught:
        machine_profile.load("mine", tmp_path)
    assert caught.value.code == "FQ-PROFILE"


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(KitError) as caught:
        machine_profile.load("../p3")
    assert caught.value.remedy == f"one of: {', '.join(machine_profile.names())}"
