# SPDX-License-Identifier: MIT
"""What does not boot says why: at once, with the last lines, the log's path and the command to run again."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from processes import gone, inside

from devkit.hardware import machine_profile
from devkit.host.errors import KitError
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.target.qemu import Target

#: Far below the profile's time limit: a failure is told when it happens.
AT_ONCE = 30.0


@pytest.fixture(scope="module")
def own() -> Iterator[Lab]:
    """A lab for targets that end badly."""
    with Lab.start() as lab:
        yield lab


@dataclass
class Told:
    """A failed boot."""

    error: KitError
    seconds: float
    left: dict[int, str] = field(default_factory=dict)


def failing(lab: Lab, image: Image, **more: object) -> Told:
    started = time.monotonic()
    with pytest.raises(KitError) as caught:
        Target.boot(image, lab=lab, **more)  # type: ignore[arg-type]
    told = Told(caught.value, time.monotonic() - started)
    assert told.error.code == "FQ-BOOT"
    assert 0 < len(told.error.lines) <= 25
    assert told.error.log is not None
    assert told.error.log.is_file()
    assert "./inv boot --profile p3" in told.error.remedy
    # QEMU is gone, the lab is as before.
    assert gone({pid: name for pid, name in inside(lab).items() if pid != lab.pid})
    assert lab.info()["target"] is None
    return told


def test_missing_root_file_system(own: Lab, image: Image) -> None:
    told = failing(own, image, kernel_args="root=/dev/vdb")
    assert "Unable to mount root fs" in told.error.what
    assert any("Kernel panic" in line for line in told.error.lines)
    assert "--kernel-args root=/dev/vdb" in told.error.remedy
    assert told.seconds < AT_ONCE


def test_empty_root_file_system(own: Lab, image: Image, tmp_path: Path) -> None:
    broken = _image(image, tmp_path)
    broken.rootfs.unlink()
    broken.rootfs.write_bytes(bytes(1 << 20))
    told = failing(own, broken)
    assert "Unable to mount root fs" in told.error.what
    assert told.seconds < AT_ONCE


def test_panic(own: Lab, image: Image) -> None:
    told = failing(own, image, kernel_args="init=/nonexistent")
    assert "Requested init /nonexistent failed" in told.error.what
    assert told.seconds < AT_ONCE


def test_init_that_ends(own: Lab, image: Image) -> None:
    told = failing(own, image, kernel_args="init=/bin/true")
    assert "Attempted to kill init" in told.error.what
    assert told.seconds < AT_ONCE


def test_hang(own: Lab, image: Image) -> None:
    told = failing(own, image, kernel_args="init=/bin/sleep -- 1000", timeout=8)
    assert "no shell within the time limit" in told.error.what
    assert any("Run /bin/sleep as init process" in line for line in told.error.lines)
    assert told.seconds < 8 + AT_ONCE / 2


def test_killed_qemu(own: Lab, image: Image) -> None:
    threading.Thread(target=_kill_qemu, args=(own,)).start()
    told = failing(own, image, kernel_args="init=/bin/sleep -- 1000")
    assert "QEMU ended: SIGKILL" in told.error.what
    assert told.seconds < AT_ONCE


def _kill_qemu(lab: Lab) -> None:
    deadline = time.monotonic() + 20
    log = lab.logs / "kernel.log"
    while time.monotonic() < deadline:
        pid = _qemu(lab)
        if pid and log.exists() and "as init process" in log.read_text(errors="replace"):
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.05)


def _qemu(lab: Lab) -> int:
    return next((pid for pid, name in inside(lab).items() if name.startswith("qemu")), 0)


def test_qemu_refuses_its_arguments(own: Lab, image: Image, tmp_path: Path) -> None:
    broken = _image(image, tmp_path)
    broken.rootfs.unlink()
    told = failing(own, broken)
    assert "QEMU ended: status 1" in told.error.what
    assert "rootfs.squashfs" in told.error.lines[-1]
    assert told.error.log == own.logs / "qemu.log"


def test_no_kernel_in_the_file(own: Lab, image: Image, tmp_path: Path) -> None:
    broken = _image(image, tmp_path)
    broken.kernel.unlink()
    broken.kernel.write_text("not a kernel")
    told = failing(own, broken)
    assert "QEMU ended" in told.error.what


def _image(image: Image, folder: Path) -> Image:
    """Return a copy whose files can be replaced."""
    for path in (image.kernel, image.rootfs):
        (folder / path.name).symlink_to(path)
    return Image(folder)


def test_a_lab_boots_again_after_failures(own: Lab, image: Image) -> None:
    with Target.boot(image, lab=own) as target:
        assert target.run("echo fine").output == "fine\n"
        with pytest.raises(KitError, match=own.name) as caught:
            Target.boot(image, lab=own)
        assert caught.value.code == "FQ-BUSY"


def test_panic_while_a_command_runs(own: Lab, image: Image) -> None:
    target = Target.boot(image, lab=own)
    started = time.monotonic()
    with pytest.raises(KitError) as caught:
        target.run("echo c >/proc/sysrq-trigger; sleep 100")
    target.down()
    assert caught.value.code == "FQ-TARGET"
    assert "sysrq triggered crash" in caught.value.what
    assert caught.value.log == own.logs / "kernel.log"
    assert time.monotonic() - started < 10


def test_qemu_killed_while_a_command_runs(own: Lab, image: Image) -> None:
    target = Target.boot(image, lab=own)
    threading.Timer(0.3, os.kill, (_qemu(own), signal.SIGKILL)).start()
    with pytest.raises(KitError, match="QEMU ended: SIGKILL") as caught:
        target.run("sleep 100")
    target.down()
    assert caught.value.code == "FQ-TARGET"
    assert f"./inv boot --lab {own.name}" in caught.value.remedy


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"profile": "p4"}, "FQ-PROFILE"),
        ({"nic": "ne2000"}, "FQ-ARGUMENT"),
        ({"mem": 8}, "FQ-ARGUMENT"),
    ],
)
def test_wrong_arguments(own: Lab, image: Image, arguments: dict[str, object], code: str) -> None:
    with pytest.raises(KitError) as caught:
        Target.boot(image, lab=own, **arguments)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_missing_qemu(own: Lab, image: Image) -> None:
    missing = dataclasses.replace(machine_profile.load(image.profile), program="qemu-system-none")
    with pytest.raises(KitError, match="qemu-system-none is not installed") as caught:
        Target.boot(image, lab=own, profile=missing)
    assert caught.value.code == "FQ-TOOL"
    assert caught.value.remedy == "apt-get install qemu-system-x86"
