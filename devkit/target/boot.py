# SPDX-License-Identifier: MIT
"""Start QEMU in a lab and wait for the first of: a shell that answers, a kernel that gave up, the end."""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pexpect import EOF

from devkit.host.errors import KitError
from devkit.host.run_command import need, tail
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.lab.process import Process, describe_end
from devkit.qemu import boot_disk, command_line
from devkit.target.channel import Channel
from devkit.target.kernel_log import KernelLog
from devkit.target.shell import Shell

if TYPE_CHECKING:
    from devkit.image.image import Image

#: The shell is asked for a sign of life this often (seconds).
_CALL_AGAIN, _LONGEST_WAIT = 3.0, 20.0
_TICK = 0.05
#: After its last words the kernel has this long to finish them (seconds).
_LAST_WORDS = 1.0


@dataclass
class Boot:
    """One attempt. ``process`` is QEMU; ``log`` what the kernel says."""

    lab: Lab
    machine: command_line.QemuMachine
    process: Process
    log: KernelLog
    output: Path
    begun: float = field(default_factory=time.monotonic)

    @classmethod
    def begin(cls, lab: Lab, machine: command_line.QemuMachine, image: Image) -> Boot:
        """Start QEMU; KitError FQ-TOOL where it is missing."""
        program = need(machine.profile.program, command_line.PACKAGE)
        log, output = KernelLog(lab.logs / "kernel.log"), lab.logs / "qemu.log"
        (lab.logs / "scratch").mkdir(mode=0o700, exist_ok=True)
        launch = command_line.launch(
            machine, program=program, kernel=image.kernel, rootfs=image.rootfs, topology=topology.load(),
            logs=lab.logs,
        )  # fmt: skip
        try:
            with boot_disk.opened(machine.disk) as descriptors:
                process = lab.launch(launch, descriptors)
        except KitError as error:
            if error.code == "FQ-SANDBOX":
                error.log, error.lines = output, tail(output)
            raise
        facts = {"profile": machine.profile.name, "nic": machine.nic, "memory": machine.memory}
        more = {
            "image": str(image.directory),
            "base": image.base,
            "command": machine.command(),
            "pid": process.pid,
        }
        lab.describe({**facts, **more})
        return cls(lab, machine, process, log, output)

    def wait(self, timeout: float) -> Shell:
        """Return the shell once it answers; KitError FQ-BOOT as soon as it is clear that it never will."""
        deadline = time.monotonic() + timeout
        shell = None
        try:
            shell = self._connect(deadline)
            self._first_answer(shell, deadline)
        except BaseException as error:
            if shell:
                shell.close()
            self.process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self.process.close()
            if isinstance(error, EOF):
                raise self._ended() from error
            raise
        return shell

    def _connect(self, deadline: float) -> Shell:
        while True:
            with contextlib.suppress(OSError):
                return Shell(Channel.connect(command_line.Sockets(self.lab.directory).command))
            self._check(deadline)
            time.sleep(_TICK)

    def _first_answer(self, shell: Shell, deadline: float) -> None:
        # What is sent before there is a shell waits until one reads it; the port has no room for many calls.
        wait = _CALL_AGAIN
        while True:
            pattern = shell.call()
            again = time.monotonic() + wait
            wait = min(1.25 * wait, _LONGEST_WAIT)
            while time.monotonic() < again:
                if shell.answered(pattern, _TICK):
                    return
                self._check(deadline)

    def _check(self, deadline: float) -> None:
        if self.log.fatal():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_LAST_WORDS)
            raise self._failed(self.log.reason() or "")
        if self.process.poll() is not None:
            raise self._ended()
        silence = self.machine.profile.silence
        if silence and time.monotonic() > self.begun + silence and not self.log.mark():
            raise self._failed(f"the kernel said nothing in {silence} s")
        if time.monotonic() > deadline:
            raise self._failed("no shell within the time limit")

    def _ended(self) -> KitError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_LAST_WORDS)
        status = self.process.returncode
        how = "it hung up" if status is None else describe_end(status)
        return self._failed(self.log.reason() or f"QEMU ended: {how}")

    def _failed(self, reason: str) -> KitError:
        lines = self.log.tail()
        log = self.log.path
        if not lines:
            lines, log = tail(self.output), self.output
        remedy = f"the log has the whole story; to run it again: {self.machine.command()}"
        return KitError("FQ-BOOT", f"the target did not boot: {reason}", remedy, log=log, lines=lines)
