# SPDX-License-Identifier: MIT
"""A board in QEMU's shape: it runs by itself, and shares nothing with the tests but a serial line."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from devkit.image.image import Image

#: The check of the timer takes a host that is too busy for a broken one, and panics.
_KERNEL_ARGUMENTS = (
    "root=/dev/vda ro rootfstype=squashfs console=ttyS0,115200 panic=-1 oops=panic fq.net=1 no_timer_check"
)
_REDIRECTED = re.compile(r"char device redirected to (\S+) ")


@contextlib.contextmanager
def serial_board(image: Image) -> Iterator[Path]:
    """Switch a board on and return its serial line, a pseudo-terminal; in the end it is switched off."""
    cards = [f"e1000,netdev=nothing{number},romfile=" for number in range(2)]
    argv = [
        "setpriv", "--pdeathsig", "KILL", "qemu-system-i386", "-nodefaults", "-no-user-config",
        "-display", "none", "-machine", "pc", "-cpu", "pentium3", "-m", "64", "-no-reboot",
        "-kernel", str(image.kernel),
        "-append", _KERNEL_ARGUMENTS,
        "-drive", f"if=virtio,format=raw,readonly=on,file={image.rootfs}",
        "-chardev", "pty,id=serial", "-serial", "chardev:serial",
        *(word for number, card in enumerate(cards)
          for word in ("-netdev", f"hubport,id=nothing{number},hubid={number}", "-device", card)),
    ]  # fmt: skip
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as qemu:
        try:
            assert qemu.stdout is not None
            said = qemu.stdout.readline()
            found = _REDIRECTED.search(said)
            assert found, said
            yield Path(found[1])
        finally:
            qemu.kill()
