# SPDX-License-Identifier: MIT
"""The machine under test: boot it in a lab, or find one that runs; commands, files, log, end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from pexpect import EOF

from devkit.hardware import machine_profile as profiles
from devkit.host import file_lock
from devkit.host.errors import KitError
from devkit.host.progress import say
from devkit.lab.client import Lab
from devkit.lab.process import Process, describe_end
from devkit.qemu import command_line, qmp
from devkit.qemu.boot_disk import BootDisk
from devkit.qemu.extra_disk import ExtraDisk
from devkit.target.base import TargetCommands
from devkit.target.boot import Boot
from devkit.target.channel import Channel
from devkit.target.kernel_log import KernelLog
from devkit.target.shell import Shell

if TYPE_CHECKING:
    from devkit.image.image import Image

_POWER_OFF_TIME = 5.0
_BUSY_TIME = 5.0
#: QEMU hangs up a moment before its end is known.
_LAST_WORDS = 1.0


class Target(TargetCommands):
    """A booted target. One process at a time may hold its command channel."""

    def __init__(self, lab: Lab, shell: Shell, held: int, process: Process | None = None) -> None:
        super().__init__(shell, KernelLog(lab.logs / "kernel.log"))
        self.lab = lab
        self.process = process
        self._held = held

    @classmethod
    def boot(
        cls,
        image: Image,
        *,
        lab: Lab,
        profile: str | profiles.Profile | None = None,
        nic: str = "virtio",
        mem: int | None = None,
        timeout: float | None = None,
        kernel_args: str = "",
        offloads: bool = False,
        disk: BootDisk | None = None,
        addition: ExtraDisk | None = None,
    ) -> Target:
        """Boot ``image`` in a lab and wait until it takes commands.

        ``profile`` is the name of one, or one made for the occasion; ``mem`` in MB (None: what the image's
        kernel and ``addition`` need); ``timeout`` in seconds (None: the profile's); ``kernel_args`` are
        appended. With ``disk`` the target boots from it as a board does (without a path: from the image's
        own); the programs of ``addition`` are mounted in it.
        Without ``offloads`` checksum and segmentation offloads are off on both ends of every cable.
        KitError: FQ-BOOT at once when it is clear that it will not boot, FQ-PROFILE, FQ-ARGUMENT, FQ-TOOL,
        FQ-BUSY (the lab has a target).
        """
        wanted = profile or image.profile
        chosen = profiles.load(wanted) if isinstance(wanted, str) else wanted
        if disk and disk.path is None:
            disk = replace(disk, path=image.disk)
        memory = mem or max(image.memory, addition.memory if addition else 0)
        machine = command_line.QemuMachine(chosen, nic, memory, offloads, kernel_args, disk, addition)
        held = _hold(lab, 0)
        try:
            if _alive(lab):
                raise KitError("FQ-BUSY", f"the lab {lab.name} has a target", f"./inv down --lab {lab.name}")
            boot, shell = _booted(lab, machine, image, timeout)
        except BaseException:
            os.close(held)
            raise
        target = cls(lab, shell, held, boot.process)
        if not offloads:
            target.without_offloads()
        if addition:
            target.run(addition.mount())
        return target

    @classmethod
    def attach(cls, lab: Lab, patience: float = _BUSY_TIME) -> Target:
        """Take over the command channel of a running target.

        FQ-BUSY where somebody has it for longer than ``patience`` seconds, FQ-LAB where there is no
        target, FQ-CHANNEL where it does not answer, FQ-TARGET where it hangs up.
        """
        if not _alive(lab):
            remedy = f"./inv down --lab {lab.name}, then ./inv boot --detach"
            raise KitError("FQ-LAB", f"the lab {lab.name} has no target", remedy)
        held = _hold(lab, patience)
        try:
            shell = _attached(lab)
        except BaseException:
            os.close(held)
            raise
        return cls(lab, shell, held)

    def detach(self) -> None:
        """Leave target and lab running when this process ends; the lab ends with the target."""
        self.lab.detach(self.process)
        self.close()

    def close(self) -> None:
        """Give the command channel back; the target runs on."""
        if self._held >= 0:
            self._shell.close()
            os.close(self._held)
            self._held = -1

    def down(self) -> None:
        """Power off, or failing that quit QEMU, or failing that kill it. The lab stays."""
        with contextlib.suppress(KitError, EOF):
            self._shell.run("poweroff -f", timeout=_POWER_OFF_TIME)
        if not self._ended(0.5):
            with contextlib.suppress(KitError):
                qmp.execute(command_line.Sockets(self.lab.directory).qmp, "quit")
        if self.process:
            if not self._ended(2.0):
                self.process.kill()
            self.process.close()
        self.close()

    def _ended(self, timeout: float) -> bool:
        until = time.monotonic() + timeout
        while _alive(self.lab):
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def gone(self) -> KitError:
        """Return the error that says why the target is no more."""
        reason = self.log.reason() or self._how_qemu_ended()
        remedy = f"read the log; ./inv boot --lab {self.lab.name} boots another"
        what = f"the target is gone: {reason}"
        return KitError("FQ-TARGET", what, remedy, log=self.log.path, lines=self.log.tail())

    def _how_qemu_ended(self) -> str:
        """With the status where this process started it."""
        status = None
        if self.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self.process.wait(_LAST_WORDS)
        return "QEMU ended" if status is None else f"QEMU ended: {describe_end(status)}"

    def __enter__(self) -> Target:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


def _booted(
    lab: Lab, machine: command_line.QemuMachine, image: Image, timeout: float | None
) -> tuple[Boot, Shell]:
    boot = Boot.begin(lab, machine, image)
    profile = machine.profile
    try:
        return boot, boot.wait(timeout or profile.boot_timeout)
    except KitError as error:
        # A kernel that spoke ran: then the accelerator is not what failed.
        if profile.fallback is None or boot.log.text():
            raise
        other = profiles.load(profile.fallback)
        said = error.lines[-1] if error.lines else error.what.rpartition(": ")[2]
        say(f"{profile.name} cannot run this guest ({said}); using {other.name}: {other.summary}")
        return _booted(lab, replace(machine, profile=other), image, timeout)


def _attached(lab: Lab) -> Shell:
    """Return the shell of a running target, once it answers; KitError FQ-TARGET, FQ-CHANNEL."""
    try:
        shell = Shell(Channel.connect(command_line.Sockets(lab.directory).command))
        try:
            shell.synchronize()
        except BaseException:
            shell.close()
            raise
    except (OSError, EOF) as error:
        what = f"the target of the lab {lab.name} is gone: it hung up"
        remedy = f"./inv status shows what runs; ./inv boot --lab {lab.name} boots another"
        raise KitError("FQ-TARGET", what, remedy, log=lab.logs / "kernel.log") from error
    return shell


def _alive(lab: Lab) -> bool:
    """Whether QEMU runs in the lab."""
    try:
        return lab.info()["target"] is not None
    except KitError:
        return False


def _hold(lab: Lab, patience: float) -> int:
    what = f"the target of the lab {lab.name} is in use"
    busy = KitError("FQ-BUSY", what, "wait, or use another lab (--lab)")
    return file_lock.hold(lab.directory / "command.lock", busy, patience)
