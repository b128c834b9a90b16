# SPDX-License-Identifier: MIT
"""Calls of invoke flash, as a user makes them, and what is asked of their ends."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from devices import Loop

from devkit.host.paths import PROJECT

#: Root or not at all: what makes loop devices.
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="makes loop devices, which only root may")

INV = [sys.executable, "-m", "devkit.commands.cli", "--search-root", str(PROJECT), "flash"]
MIB = 1 << 20
SIZE = 8 * MIB + 3 * 512
ROOM = 16 * MIB


def described(path: Path, **more: object) -> None:
    data = path.read_bytes()
    entry = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    told = {"cpu": "pentium3", "files": {path.name: entry}, **more}
    (path.parent / "image.json").write_text(json.dumps(told))


def flash(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*INV, *map(str, words)], cwd=PROJECT, check=False, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip


def onto(device: str, image: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Write to a loop device without a question."""
    return flash(device, "--image", image, "--yes", "--fixed-disk", *words)


def failed(done: subprocess.CompletedProcess[str], code: str, expected: int) -> str:
    said = done.stdout + done.stderr
    assert (done.returncode, f"{code}: " in said) == (expected, True), said
    assert "Traceback" not in said
    return said


def start(device: Loop, image: Path) -> subprocess.Popen[str]:
    """Begin to write, in the background."""
    return subprocess.Popen(
        [*INV, device.path, "--image", str(image), "--yes", "--fixed-disk"], cwd=PROJECT, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, preexec_fn=_hear,  # noqa: PLW1509
    )  # fmt: skip


def _hear() -> None:
    """Signals are not ignored, as a shell in the background or nohup would have it."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def until(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(f"ended without {word}")


def begun(backing: Path, image: Path) -> None:
    """Wait until the second MiB is on the medium."""
    deadline = time.monotonic() + 60
    wanted = image.read_bytes()[MIB : MIB + 512]
    with backing.open("rb", buffering=0) as file:
        while time.monotonic() < deadline:
            if os.pread(file.fileno(), 512, MIB) == wanted:
                return
            time.sleep(0.02)
    raise AssertionError("nothing is written")


def finished(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    said, _ = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, said, "")
