# SPDX-License-Identifier: MIT
"""QEMU's argument list, as a pure function of machine, image and network."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from devkit.addition import Addition
from devkit.boot_disk import Disk
from devkit.errors import KitError
from devkit.lab.topology import Side, Topology
from devkit.profile import Profile

PACKAGE = "qemu-system-x86"

#: Network cards by the name that the user gives.
NICS = {"virtio": "virtio-net-pci", "e1000": "e1000"}

SMALLEST_MEMORY = 48
_TRANSLATED_MB = 256

#: With offloads off, the virtual card has none to offer: every frame is as it was sent.
_NO_OFFLOADS = (
    "csum=off,guest_csum=off,gso=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,"
    "host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off"
)

_KERNEL_ARGUMENTS = (
    # no_timer_check: on a loaded host the kernel finds the timer dead, and gives up.
    "root=/dev/vda ro rootfstype=squashfs console=ttyS0 panic=-1 oops=panic no_timer_check "
    "fq.net=1 fq.commands=ttyS1 fq.console=ttyS2"
)


@dataclass(frozen=True)
class Machine:
    """What the user chooses.

    nic:         ``virtio`` or ``e1000``
    memory:      MB
    offloads:    keep checksum and segmentation offloads between host and guest (virtio)
    kernel_args: appended to the kernel's command line
    disk:        boots from it, through the firmware; None: QEMU loads kernel and root file system
    addition:    programs on a disk beside it
    """

    profile: Profile
    nic: str = "virtio"
    memory: int = 64
    offloads: bool = False
    kernel_args: str = ""
    disk: Disk | None = None
    addition: Addition | None = None

    def __post_init__(self) -> None:
        if self.nic not in NICS:
            raise KitError(
                "FQ-ARGUMENT", f"there is no NIC {self.nic!r}", f"one of: {', '.join(NICS)}", status=2
            )
        if self.memory < SMALLEST_MEMORY:
            what = f"{self.memory} MB of memory are too few"
            raise KitError("FQ-ARGUMENT", what, f"at least {SMALLEST_MEMORY}", status=2)
        if self.disk and self.kernel_args:
            what = "a disk brings the kernel's command line itself"
            raise KitError("FQ-ARGUMENT", what, "--kernel-args goes with --from=kernel", status=2)

    def command(self, lab: str | None = None) -> str:
        """Return the command that boots this machine."""
        words = [f"./inv boot --profile {self.profile.name} --nic {self.nic} --mem {self.memory}"]
        words += [f"--lab {lab}"] if lab else []
        words += ["--offloads"] if self.offloads else []
        words += [f"--kernel-args {shlex.quote(self.kernel_args)}"] if self.kernel_args else []
        words += self.disk.options() if self.disk else []
        words += [f"--with {self.addition.name}"] if self.addition else []
        return " ".join(words)


@dataclass(frozen=True)
class Sockets:
    """The target's sockets in a lab's run-time folder."""

    folder: Path

    @property
    def command(self) -> Path:
        """Automated command channel (ttyS1)."""
        return self.folder / "command.sock"

    @property
    def console(self) -> Path:
        """Interactive console (ttyS2)."""
        return self.folder / "console.sock"

    @property
    def serial(self) -> Path:
        """First serial port (ttyS0), where the kernel's log goes."""
        return self.folder / "serial.sock"

    @property
    def qmp(self) -> Path:
        """QEMU's own control socket."""
        return self.folder / "qmp.sock"


def arguments(
    machine: Machine, *, kernel: Path, rootfs: Path, topology: Topology, sockets: Sockets, log: Path
) -> list[str]:
    """Return the whole command line, program first. ``log`` receives all that ttyS0 says."""
    profile = machine.profile
    return [
        profile.program, "-name", "fastqueue",
        "-nodefaults", "-no-user-config", "-display", "none",
        *([] if machine.disk and machine.disk.reboots else ["-no-reboot"]),
        "-machine", "pc", "-accel", _accelerator(profile), "-cpu", profile.cpu, "-m", str(machine.memory),
        *profile.arguments,
        *(machine.disk.arguments() if machine.disk else _direct(machine, kernel, rootfs)),
        *(machine.addition.arguments(rootfs) if machine.addition else []),
        "-device", "virtio-rng-pci",
        *_ports(sockets, log),
        "-qmp", f"unix:{_escaped(sockets.qmp)},server=on,wait=off",
        *(word for number, side in enumerate(topology.sides) for word in _nic(machine, number, side)),
    ]  # fmt: skip


def _direct(machine: Machine, kernel: Path, rootfs: Path) -> list[str]:
    given = (_KERNEL_ARGUMENTS, machine.kernel_args)
    return [
        "-kernel", str(kernel), "-append", " ".join(filter(None, given)),
        "-blockdev", f"driver=file,node-name=root,filename={_escaped(rootfs)},read-only=on",
        "-device", "virtio-blk-pci,drive=root",
    ]  # fmt: skip


def _accelerator(profile: Profile) -> str:
    # QEMU keeps up to 1 GB of translated code, and fills it in minutes where modules come and go.
    return f"tcg,tb-size={_TRANSLATED_MB}" if profile.accelerator == "tcg" else profile.accelerator


def _ports(sockets: Sockets, log: Path) -> list[str]:
    # Serial ports, not virtio consoles: QEMU makes a guest wait that sends faster than the reader at a
    # socket takes, where a virtio console silently loses what does not fit.
    return [
        "-chardev", f"{_server('serial', sockets.serial)},logfile={_escaped(log)},logappend=off",
        "-serial", "chardev:serial",
        "-chardev", _server("command", sockets.command),
        "-chardev", _server("console", sockets.console),
        "-device", "pci-serial-2x,chardev1=command,chardev2=console",
    ]  # fmt: skip


def _server(name: str, path: Path) -> str:
    return f"socket,id={name},path={_escaped(path)},server=on,wait=off"


def _nic(machine: Machine, number: int, side: Side) -> list[str]:
    device = f"{NICS[machine.nic]},netdev=net{number},mac={side.target.mac},romfile="
    if machine.nic == "virtio" and not machine.offloads:
        device += f",{_NO_OFFLOADS}"
    tap = f"tap,id=net{number},ifname={side.tap},script=no,downscript=no"
    return ["-netdev", tap, "-device", device]


def _escaped(path: Path) -> str:
    """Return a path as QEMU's option syntax wants it: commas doubled."""
    return str(path).replace(",", ",,")
