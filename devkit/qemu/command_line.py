# SPDX-License-Identifier: MIT
"""How QEMU is started, as a pure function of machine, image and network."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from devkit.hardware.machine_profile import Profile
from devkit.host.errors import KitError
from devkit.lab.machine import Launch, fd
from devkit.lab.topology import Side, Topology
from devkit.qemu.boot_disk import BootDisk
from devkit.qemu.extra_disk import ExtraDisk

PACKAGE = "qemu-system-x86"

#: Network cards by the name that the user gives.
NICS = {"virtio": "virtio-net-pci", "e1000": "e1000"}

SMALLEST_MEMORY = 48
_TRANSLATED_MB = 256
#: QEMU's address space beside the guest's memory: translated code, programs, stacks, the allocator's arenas.
_MEMORY_BESIDE_MB = 4096

#: QEMU's own filter of system calls: none that starts programs, gains rights or is obsolete.
_FILTER = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
SOCKETS = ("serial", "command", "console", "qmp")
_LOG_SET = 1

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
class QemuMachine:
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
    disk: BootDisk | None = None
    addition: ExtraDisk | None = None

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


def launch(
    machine: QemuMachine, *, program: str, kernel: Path, rootfs: Path, topology: Topology, logs: Path
) -> Launch:
    """Return what to start: ``program`` with its command line, and all that it gets.

    ``logs``: directory of kernel.log, all that ttyS0 says, of qemu.log, what QEMU itself says, and of QEMU's
    temporary files. Descriptors of ``machine.disk`` are to be given.
    """
    addition = machine.addition.build(rootfs).resolve() if machine.addition else None
    # Links end here: there is nothing behind them in the sandbox.
    kernel, rootfs = kernel.resolve(), rootfs.resolve()
    loaded = [] if machine.disk else [kernel, rootfs]
    reads = [*loaded, *([addition] if addition else []), *machine.profile.reads]
    return Launch(
        argv=[program, *_arguments(machine, kernel, rootfs, topology, addition)],
        taps=[side.tap for side in topology.sides],
        sockets=SOCKETS,
        logs={"log": str(logs / "kernel.log"), "output": str(logs / "qemu.log")},
        given=machine.disk.names if machine.disk else (),
        reads=[*map(str, reads), *_home(program)],
        scratch=str((logs / "scratch").resolve()),
        writes=[str(path) for path in machine.profile.writes],
        memory=(machine.memory + _MEMORY_BESIDE_MB) << 20,
    )


def _home(program: str) -> list[str]:
    """Where a QEMU that is not the system's has its files: beside the directory of its program."""
    found = Path(program).resolve()
    return [] if found.is_relative_to("/usr") else [str(found.parent.parent)]


def _arguments(
    machine: QemuMachine, kernel: Path, rootfs: Path, topology: Topology, addition: Path | None
) -> list[str]:
    profile = machine.profile
    return [
        "-name", "fastqueue", "-sandbox", _FILTER,
        "-nodefaults", "-no-user-config", "-display", "none",
        *([] if machine.disk and machine.disk.reboots else ["-no-reboot"]),
        "-machine", "pc", "-accel", _accelerator(profile), "-cpu", profile.cpu, "-m", str(machine.memory),
        *profile.arguments,
        *(machine.disk.arguments() if machine.disk else _direct(machine, kernel, rootfs)),
        *(machine.addition.arguments(addition) if machine.addition and addition else []),
        "-device", "virtio-rng-pci",
        *_ports(),
        "-chardev", _server("qmp"), "-mon", "chardev=qmp,mode=control",
        *(word for number, side in enumerate(topology.sides) for word in _nic(machine, number, side)),
    ]  # fmt: skip


def _direct(machine: QemuMachine, kernel: Path, rootfs: Path) -> list[str]:
    given = (_KERNEL_ARGUMENTS, machine.kernel_args)
    return [
        "-kernel", str(kernel), "-append", " ".join(filter(None, given)),
        "-blockdev", f"driver=file,node-name=root,filename={_escaped(rootfs)},read-only=on",
        "-device", "virtio-blk-pci,drive=root",
    ]  # fmt: skip


def _accelerator(profile: Profile) -> str:
    # QEMU keeps up to 1 GB of translated code, and fills it in minutes where modules come and go.
    return f"tcg,tb-size={_TRANSLATED_MB}" if profile.accelerator == "tcg" else profile.accelerator


def _ports() -> list[str]:
    # Serial ports, not virtio consoles: QEMU makes a guest wait that sends faster than the reader at a
    # socket takes, where a virtio console silently loses what does not fit.
    return [
        "-add-fd", f"fd={fd('log')},set={_LOG_SET}",
        "-chardev", f"{_server('serial')},logfile=/dev/fdset/{_LOG_SET},logappend=on",
        "-serial", "chardev:serial",
        "-chardev", _server("command"),
        "-chardev", _server("console"),
        "-device", "pci-serial-2x,chardev1=command,chardev2=console",
    ]  # fmt: skip


def _server(name: str) -> str:
    return f"socket,id={name},fd={fd(name)},server=on,wait=off"


def _nic(machine: QemuMachine, number: int, side: Side) -> list[str]:
    device = f"{NICS[machine.nic]},netdev=net{number},mac={side.target.mac},romfile="
    if machine.nic == "virtio" and not machine.offloads:
        device += f",{_NO_OFFLOADS}"
    tap = f"tap,id=net{number},fd={fd(side.tap)}"
    return ["-netdev", tap, "-device", device]


def _escaped(path: Path) -> str:
    """Return a path as QEMU's option syntax wants it: commas doubled."""
    return str(path).replace(",", ",,")
