# SPDX-License-Identifier: MIT
"""What a user does with targets by hand: boot, console, run, status, down."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from devkit.hardware import machine_profile as profiles
from devkit.host.errors import KitError
from devkit.host.progress import console as screen
from devkit.host.progress import say, stage
from devkit.host.terminal_text import Decoder
from devkit.lab import rundir
from devkit.lab.client import Lab, running
from devkit.qemu import command_line
from devkit.qemu.boot_disk import BootDisk
from devkit.qemu.extra_disk import SURICATA, ExtraDisk
from devkit.suricata import engine
from devkit.target import console as target_console
from devkit.target.qemu import Target
from devkit.target.shell import Sink

if TYPE_CHECKING:
    from devkit.image.image import Image

#: The lab of commands that name none.
DEFAULT_LAB = "default"

_BROKEN_PIPE = 128 + 13


def boot(
    build: Callable[[], Image],
    *,
    lab: str = DEFAULT_LAB,
    profile: str = profiles.DEFAULT,
    nic: str = "virtio",
    mem: int = 0,
    detach: bool = False,
    offloads: bool = False,
    kernel_args: str = "",
    disk: BootDisk | None = None,
    addition: ExtraDisk | None = None,
) -> None:
    """Boot what ``build`` returns, and stay with it.

    On a terminal that is its console, else a wait for the end of standard input. Then all is taken
    down; with ``detach`` it runs on in the background instead. ``mem`` in MB, 0: what it needs. KitErrors
    are those of Lab.start and Target.boot, and FQ-TARGET where the kernel gives up meanwhile.
    """
    # Wrong arguments and busy names are told before a build of many minutes.
    command_line.QemuMachine(
        profiles.load(profile), nic, mem or command_line.SMALLEST_MEMORY, kernel_args=kernel_args, disk=disk
    )
    rundir.check_free(lab)
    image = build()
    if addition:
        addition.build(image.rootfs)
    with Lab.start(lab, offloads=offloads) as made:
        with stage("boot", made.logs / "kernel.log"):
            target = Target.boot(
                image, lab=made, profile=profile, nic=nic, mem=mem or None, kernel_args=kernel_args,
                offloads=offloads, disk=disk, addition=addition,
            )  # fmt: skip
        settle_in(target, addition)
        if detach:
            target.detach()
            option = "" if lab == DEFAULT_LAB else f" --lab {lab}"
            say(f"running: ./inv run{option} -- COMMAND, ./inv console{option}, ./inv down{option}")
            return
        with target:
            _stay(target)


def settle_in(target: Target, addition: ExtraDisk | None) -> None:
    """Put the kit's own settings and rules for the programs of ``addition`` into the target."""
    if addition == SURICATA:
        engine.install(target)


def _stay(target: Target) -> None:
    if target_console.is_interactive():
        left = target_console.interact(command_line.Sockets(target.lab.directory).console, fresh=True)
    else:
        left = _until_input_ends(target)
    if not left and target.log.fatal():
        raise target.gone()


def _until_input_ends(target: Target) -> bool:
    """Wait for the end of standard input; return False if the target ended first."""
    say("no terminal: the target runs until standard input ends (--detach leaves it running)")
    assert target.process is not None
    waiting = [target.process.fileno()]
    source = target_console.standard_input()
    while source is not None:
        ready, _, _ = select.select([source, *waiting], [], [])
        if target.process.fileno() in ready:
            return False
        if not os.read(source, 4096):
            break
    return True


def run(command: list[str], *, lab: str = DEFAULT_LAB, timeout: float | None = None) -> int:
    """Run a command in a running target; its output passes through, its exit status is returned.

    Several words are passed on as they are; a single one is a line of shell. Ctrl-C interrupts the
    command. KitError: FQ-LAB, FQ-BUSY, FQ-TIMEOUT, FQ-TARGET.
    """
    if not any(word.strip() for word in command):
        raise KitError("FQ-ARGUMENT", "no command", "./inv run -- COMMAND", status=2)
    if timeout is not None and timeout <= 0:
        raise KitError("FQ-ARGUMENT", f"a limit of {timeout} s", "take a --timeout above 0", status=2)
    target = Target.attach(Lab.attach(lab))
    try:
        line = command[0] if len(command) == 1 else command
        limit = timeout if timeout is not None else float("inf")
        return target.run(line, timeout=limit, check=False, sink=_passed_through(), passes=True).status
    except BrokenPipeError:
        # Nobody reads on; the next to use the channel interrupts what still runs there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    finally:
        target.close()


def _passed_through() -> Sink:
    """Return what takes the output: a file or a pipe gets the very bytes, a terminal printable text."""
    text = Decoder()

    def sink(data: bytes) -> None:
        if sys.stdout is not None:  # closed by whoever called us: the status still counts
            shown = text.feed(data).encode(errors="replace") if sys.stdout.isatty() else data
            sys.stdout.buffer.write(shown)
            sys.stdout.buffer.flush()

    return sink


def console(*, lab: str = DEFAULT_LAB) -> None:
    """Join the terminal with the console of a running target. KitError: FQ-TTY, FQ-LAB, FQ-BUSY."""
    target_console.need_terminal()
    if not target_console.interact(command_line.Sockets(Lab.attach(lab).directory).console):
        say("the target ended")


def status() -> None:
    """Show the user's labs; folders of dead ones are removed."""
    with rundir.locked():
        rundir.sweep()
    labs = running()
    if not labs:
        say("no lab is running (./inv boot --detach starts one)")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("lab", "target", "image", "up", "ends", "sockets"):
        table.add_column(title, overflow="fold")
    for lab in labs:
        table.add_row(*_row(lab))
    screen.print(table)


def _row(lab: Lab) -> list[str]:
    facts = lab.info()
    target = facts["target"]
    machine = f"{target['profile']}, {target['nic']}, {target['memory']} MB" if target else "none"
    image = _short(Path(target["image"])) if target else ""
    ends = "with its target" if facts["detached"] else "with its owner"
    return [lab.name, machine, image, _duration(time.time() - facts["started"]), ends, str(lab.directory)]


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def down(*, lab: str | None = None, everything: bool = False) -> None:
    """Take down one lab (the default one), or all of this user; KitError FQ-LAB for an unknown name."""
    if everything:
        labs = running()
    elif lab is None and not rundir.alive(DEFAULT_LAB):
        labs = []
    else:
        labs = [Lab.attach(lab or DEFAULT_LAB)]
    for one in labs:
        _end(one)
        say(f"{one.name} is down")
    if not labs:
        others = ", ".join(one.name for one in running())
        say("nothing to take down" + (f" (running: {others}; --lab NAME or --all)" if others else ""))


def _end(lab: Lab) -> None:
    try:
        target = Target.attach(lab, patience=0)
    except (KitError, OSError):
        pass  # in use, or beyond help: it ends with the lab
    else:
        target.down()
    lab.stop()
