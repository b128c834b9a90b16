# SPDX-License-Identifier: MIT
"""The doctor's checks on hosts that lack something."""

from __future__ import annotations

import pytest

from devkit.commands import doctor
from devkit.commands.doctor import Finding
from devkit.host.errors import KitError

PACKAGES = doctor.host_packages(
    "# comment\n\nmmdebstrap   mmdebstrap  unpacks the user land\nlibelf-dev  -  kernel build\n"
)


def test_package_list_is_read() -> None:
    assert [(package.name, package.tool) for package in PACKAGES] == [
        ("mmdebstrap", "mmdebstrap"),
        ("libelf-dev", None),
    ]
    assert PACKAGES[0].purpose == "unpacks the user land"


def test_own_package_list_can_be_read() -> None:
    names = {package.name for package in doctor.host_packages(doctor.PACKAGES.read_text())}
    assert {"qemu-system-x86", "gcc-i686-linux-gnu", "python3-venv"} <= names


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n', True),
        ('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n', False),
        ("ID=fedora\nVERSION_ID=41\n", False),
        ("", False),
    ],
)
def test_distribution(text: str, fine: bool) -> None:
    assert doctor.check_distribution(text).fine is fine


def test_missing_packages_are_named_with_the_command() -> None:
    (finding,) = doctor.check_packages(PACKAGES, ["libelf-dev", "bash"])
    assert not finding.fine
    assert finding.name == "package mmdebstrap"
    assert finding.remedy == "apt-get install --no-install-recommends mmdebstrap"


def test_all_packages_there() -> None:
    (finding,) = doctor.check_packages(PACKAGES, ["libelf-dev", "mmdebstrap"])
    assert finding.fine


def test_multilib_stands_in_the_way() -> None:
    assert doctor.check_multilib(["gcc"]) == []
    (finding,) = doctor.check_multilib(["gcc", "gcc-multilib"])
    assert "FQ-MULTILIB" in finding.detail


def test_tools_that_path_hides() -> None:
    (finding,) = doctor.check_tools(PACKAGES, lambda tool: None)
    assert finding.name == "tool mmdebstrap"
    assert doctor.check_tools(PACKAGES, lambda tool: f"/usr/bin/{tool}") == []


def test_room_and_machine() -> None:
    assert not doctor.check_room(10**9).fine
    assert doctor.check_room(10**10).fine
    assert not doctor.check_machine("aarch64").fine


def test_devices_for_the_tests_of_flash_are_a_wish() -> None:
    lacking = doctor.check_flash_tests(lambda path: path == "/dev/fuse")
    assert not lacking.fine
    assert lacking.wanted
    assert lacking.detail == "not usable: /dev/loop-control"
    assert doctor.check_flash_tests(lambda path: True).fine


def test_a_lack_fails_the_doctor_and_a_wish_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = Finding("/dev/kvm", False, "not usable", "add yourself to kvm", wanted=True)
    monkeypatch.setattr(doctor, "examine", lambda: [wish])
    doctor.doctor()
    lack = Finding("disk", False, "full", "free some")
    monkeypatch.setattr(doctor, "examine", lambda: [wish, lack])
    with pytest.raises(KitError, match="not in order: disk"):
        doctor.doctor()
