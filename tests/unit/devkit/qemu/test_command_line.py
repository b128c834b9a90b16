# SPDX-License-Identifier: MIT
from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devkit.hardware import machine_profile
from devkit.host.errors import KitError
from devkit.lab import topology
from devkit.lab.machine import Launch
from devkit.qemu import command_line


def launch(machine: command_line.QemuMachine, program: str = "/usr/bin/qemu-system-i386") -> Launch:
    return command_line.launch(
        machine, program=program, kernel=Path("/i/bzImage"), rootfs=Path("/i/root,fs"),
        topology=topology.load(), logs=Path("/logs"),
    )  # fmt: skip


def arguments(machine: command_line.QemuMachine) -> list[str]:
    return list(launch(machine).argv)


def machine(name: str = "p3", **more: Any) -> command_line.QemuMachine:  # noqa: ANN401
    return command_line.QemuMachine(machine_profile.load(name), **more)


def has(argv: list[str], first: str, second: str) -> bool:
    return (first, second) in itertools.pairwise(argv)


def test_a_pentium_iii_that_stays_down() -> None:
    argv = arguments(machine())
    assert argv[0] == "/usr/bin/qemu-system-i386"
    assert has(argv, "-cpu", "pentium3")
    assert has(argv, "-accel", "tcg,tb-size=256")
    assert has(argv, "-m", "64")
    assert {"-no-reboot", "-nodefaults", "-no-user-config"} <= set(argv)
    append = argv[argv.index("-append") + 1].split()
    assert {"console=ttyS0", "panic=-1", "oops=panic", "fq.net=1", "root=/dev/vda", "ro"} <= set(append)


def test_profile_arguments_are_passed() -> None:
    assert has(arguments(machine("p3-1g")), "-icount", "shift=0,sleep=on")
    assert has(arguments(machine("kvm")), "-accel", "kvm")


def test_serial_port_logs_from_the_first_byte_and_channels_are_separate() -> None:
    argv = arguments(machine())
    chardevs = [after for word, after in itertools.pairwise(argv) if word == "-chardev"]
    assert chardevs == [
        "socket,id=serial,fd={fd:serial},server=on,wait=off,logfile=/dev/fdset/1,logappend=on",
        "socket,id=command,fd={fd:command},server=on,wait=off",
        "socket,id=console,fd={fd:console},server=on,wait=off",
        "socket,id=qmp,fd={fd:qmp},server=on,wait=off",
    ]
    assert has(argv, "-add-fd", "fd={fd:log},set=1")
    assert launch(machine()).logs == {"log": "/logs/kernel.log", "output": "/logs/qemu.log"}
    assert has(argv, "-device", "pci-serial-2x,chardev1=command,chardev2=console")
    assert {"fq.commands=ttyS1", "fq.console=ttyS2"} <= set(argv[argv.index("-append") + 1].split())


def test_commas_in_paths_are_doubled() -> None:
    assert has(
        arguments(machine()), "-blockdev", "driver=file,node-name=root,filename=/i/root,,fs,read-only=on"
    )


@pytest.mark.parametrize(("nic", "device"), [("virtio", "virtio-net-pci"), ("e1000", "e1000")])
def test_client_side_is_the_first_card(nic: str, device: str) -> None:
    argv = arguments(machine(nic=nic))
    first = f"{device},netdev=net0,mac=02:fa:00:00:01:01,romfile="
    cards = [word for word in argv if word.startswith(device)]
    assert cards[0].startswith(first)
    assert "mac=02:fa:00:00:02:01" in cards[1]
    assert has(argv, "-netdev", "tap,id=net0,fd={fd:tap-client}")


def test_offloads() -> None:
    assert any("guest_tso4=off" in word for word in arguments(machine()))
    assert not any("tso4" in word for word in arguments(machine(offloads=True)))
    assert not any("tso4" in word for word in arguments(machine(nic="e1000")))


def test_kernel_arguments_come_last() -> None:
    argv = arguments(machine(kernel_args="init=/bin/true"))
    assert argv[argv.index("-append") + 1].endswith(" init=/bin/true")


@pytest.mark.parametrize("wrong", [{"nic": "ne2000"}, {"memory": 16}])
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(KitError) as caught:
        machine(**wrong)
    assert caught.value.code == "FQ-ARGUMENT"


def test_command_to_run_again() -> None:
    again = machine("p3-1g", nic="e1000", memory=96, kernel_args="a b").command()
    assert again == "./inv boot --profile p3-1g --nic e1000 --mem 96 --kernel-args 'a b'"


def test_a_sandbox_with_no_more_than_it_needs() -> None:
    found = launch(machine())
    assert has(
        list(found.argv),
        "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    )
    assert list(found.reads) == ["/i/bzImage", "/i/root,fs"]
    assert (found.scratch, list(found.writes), list(found.given)) == ("/logs/scratch", [], [])
    # No path in the lab's directory or of the logs: descriptors only.
    assert not any("/logs" in word or ".sock" in word for word in found.argv)


def test_a_qemu_that_is_not_the_systems_has_its_files() -> None:
    assert list(launch(machine(), "/opt/qemu/bin/qemu-system-i386").reads)[-1] == "/opt/qemu"


def test_files_of_a_profile() -> None:
    profile_of_a_plugin = replace(
        machine_profile.load("p3"), reads=(Path("/x/lib.so"),), writes=(Path("/x/out"),)
    )
    found = launch(command_line.QemuMachine(profile_of_a_plugin))
    assert "/x/lib.so" in found.reads
    assert list(found.writes) == ["/x/out"]
