# SPDX-License-Identifier: MIT
"""boot, run, console, status and down as a user calls them: in processes of their own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from processes import gone, inside

from devkit.host.paths import PROJECT
from devkit.image.image import Image
from devkit.lab.client import Lab, running
from devkit.lab.rundir import all_logs

INVOKE = [sys.executable, "-m", "invoke"]


@pytest.fixture(scope="module", autouse=True)
def runtime(image: Image) -> Iterator[Path]:
    """Labs of these tests lie apart from the user's: "default" is theirs."""
    folder = Path(tempfile.mkdtemp(prefix="fq-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTQUEUE_RUNTIME", str(folder))
        yield folder
        for lab in running():
            lab.stop()
        shutil.rmtree(all_logs(), ignore_errors=True)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def detached(runtime: Path) -> Iterator[Lab]:
    """The lab "default", left running by boot --detach."""
    done = task("boot", "--detach", timeout=120)
    assert done.returncode == 0, done.stderr
    assert "./inv down" in done.stdout
    yield Lab.attach("default")
    task("down")


def task(*words: str, timeout: float = 60, **more: object) -> subprocess.CompletedProcess[str]:
    options: dict[str, object] = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*INVOKE, *words], cwd=PROJECT, timeout=timeout, check=False, **{**options, **more}
    )


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*INVOKE, *words], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def wait_for_lab(name: str, count: int) -> Lab:
    """Wait until a lab runs so many processes."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for lab in running():
            with contextlib.suppress(OSError):
                if lab.name == name and len(inside(lab)) >= count:
                    return lab
        time.sleep(0.05)
    raise AssertionError(f"no lab {name}")


def message(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed task said: a code and a remedy, no traceback."""
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    assert "  remedy: " in said
    return said


def test_output_and_status_pass_through(detached: Lab) -> None:
    done = task("run", "--", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\nerr\n", "")
    assert task("run", "--", "printf", "%s|", "a  b", "*").stdout == "a  b|*|"
    assert task("run", "--", "true").returncode == 0


def test_output_comes_as_it_is_made(detached: Lab) -> None:
    with start("run", "--", "printf now; sleep 100") as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == b"now"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(10) == 128 + signal.SIGINT
    assert task("run", "--", "pidof sleep").returncode == 1


def test_a_reader_that_goes(detached: Lab) -> None:
    with start("run", "--", "seq 1 1000000") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        process.stdout.close()
        assert process.wait(10) == 128 + signal.SIGPIPE
    assert task("run", "--", "echo fine").stdout == "fine\n"


def test_killed_run_leaves_the_channel_usable(detached: Lab) -> None:
    with start("run", "--", "echo begun; sleep 1000") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert task("run", "--", "echo fine").stdout == "fine\n"
    assert task("run", "--", "pidof sleep").returncode == 1


def test_time_limit(detached: Lab) -> None:
    assert "FQ-TIMEOUT" in message(task("run", "--timeout", "1", "--", "sleep 100"))


def test_busy_channel(detached: Lab) -> None:
    with start("run", "--", "echo begun; sleep 100") as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert "FQ-BUSY" in message(task("run", "--", "true"))
        os.killpg(process.pid, signal.SIGINT)


def test_status(detached: Lab) -> None:
    shown = task("status", env={**os.environ, "COLUMNS": "200"}).stdout
    assert re.search(
        r"^default +p3, virtio, 64 MB +out/image +0:\d\d:\d\d +with its target", shown, re.MULTILINE
    )


def test_busy_name(detached: Lab) -> None:
    said = message(task("boot", "--detach"))
    assert "FQ-BUSY: a lab named default is running" in said
    assert "./inv down" in said


def test_unknown_names(detached: Lab) -> None:
    for words in (["run", "--lab", "nobody", "--", "true"], ["down", "--lab", "nobody"]):
        assert "FQ-LAB: no lab named nobody is running (running: default)" in message(task(*words))


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE], ids=["null", "pipe"])
def test_console_without_a_terminal(detached: Lab, stdin: int) -> None:
    assert "FQ-TTY: the console needs a terminal" in message(task("console", stdin=stdin))


def test_console_with_closed_stdin(detached: Lab) -> None:
    words = " ".join([*INVOKE, "console"])
    done = subprocess.run(
        ["sh", "-c", f"{words} <&-"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "FQ-TTY" in message(done)


def test_console(detached: Lab) -> None:
    child = pexpect.spawn(INVOKE[0], [*INVOKE[1:], "console"], cwd=str(PROJECT), timeout=20)
    child.expect("Ctrl-] leaves")
    child.send("\r")
    child.expect("# ")
    child.send("echo from the $((40 + 2))\r")
    child.expect("from the 42")
    # Ctrl-C is the target's.
    child.send("sleep 1000\r\x03")
    child.expect("# ")
    assert "FQ-BUSY" in message(_on_a_terminal("console"))
    child.send("\x1d")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert task("run", "--", "echo fine").stdout == "fine\n"


def _on_a_terminal(*words: str) -> subprocess.CompletedProcess[str]:
    child = pexpect.spawn(INVOKE[0], [*INVOKE[1:], *words], cwd=str(PROJECT), timeout=20, encoding="utf-8")
    said = child.read().replace("\r", "")
    child.close()
    return subprocess.CompletedProcess(words, child.exitstatus or 0, said, "")


def test_killed_qemu_ends_a_detached_lab(runtime: Path) -> None:
    assert task("boot", "--detach", "--lab", "victim", timeout=120).returncode == 0
    lab = Lab.attach("victim")
    found = inside(lab)
    os.kill(next(pid for pid, name in found.items() if name.startswith("qemu")), signal.SIGKILL)
    assert gone(found)
    assert not lab.directory.exists()
    said = message(task("run", "--lab", "victim", "--", "true"))
    assert "FQ-LAB: no lab named victim" in said
    assert "kernel.log" in said


def test_boot_in_the_foreground_until_stdin_ends(runtime: Path) -> None:
    with start("boot", "--lab", "front") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while b"until standard input ends" not in process.stdout.readline():
            assert process.poll() is None
        found = inside(Lab.attach("front"))
        process.stdin.close()
        assert process.wait(20) == 0
    assert gone(found, 0)


def test_boot_on_a_terminal(runtime: Path) -> None:
    child = pexpect.spawn(INVOKE[0], [*INVOKE[1:], "boot", "--lab", "term"], cwd=str(PROJECT), timeout=60)
    child.expect("Ctrl-] leaves")
    child.send("stty size\r")
    child.expect(r"24 80\r")
    found = inside(Lab.attach("term"))
    child.send("\x1d")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert gone(found, 0)


@pytest.mark.parametrize("moment", ["booting", "booted"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_boot_that_is_ended_leaves_nothing(runtime: Path, number: signal.Signals, moment: str) -> None:
    detach = ["--detach"] if moment == "booting" else []
    with start("boot", "--lab", "ended", *detach) as process:
        assert process.stdout is not None
        lab = wait_for_lab("ended", 2)
        while moment == "booted" and b"until standard input ends" not in process.stdout.readline():
            assert process.poll() is None
        found = inside(lab)
        os.killpg(process.pid, number)
        said = process.stdout.read()
        process.wait(20)
    assert gone(found)
    assert b"Traceback" not in said
    deadline = time.monotonic() + 5
    while lab.directory.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not lab.directory.exists()


def test_down_without_a_lab(tmp_path: Path) -> None:
    done = task("down", env={**os.environ, "FASTQUEUE_RUNTIME": str(tmp_path / "none")})
    assert (done.returncode, done.stdout) == (0, "nothing to take down\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["boot", "--profile", "p4"], "FQ-PROFILE"),
        (["boot", "--nic", "ne2000"], "FQ-ARGUMENT"),
        (["boot", "--mem", "3"], "FQ-ARGUMENT"),
        (["boot", "--lab", "No Name"], "FQ-LAB"),
        (["run"], "FQ-ARGUMENT"),
    ],
)
def test_wrong_arguments(words: list[str], code: str) -> None:
    assert code in message(task(*words))


def test_missing_qemu(tmp_path: Path, runtime: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for folder in (Path("/usr/bin"), Path("/bin")):
        for program in folder.iterdir():
            link = tools / program.name
            if not program.name.startswith("qemu") and not link.is_symlink():
                link.symlink_to(program)
    said = message(task("boot", "--lab", "toolless", env={**os.environ, "PATH": str(tools)}))
    assert "FQ-TOOL: qemu-system-i386 is not installed" in said
    assert "apt-get install qemu-system-x86" in said


@pytest.mark.skipif(os.getuid() != 0, reason="hides /dev/net, which only root may")
def test_no_tun_device(runtime: Path) -> None:
    words = " ".join([*INVOKE, "boot", "--lab", "tunless"])
    script = f"mount -t tmpfs none /dev/net && exec {words}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    said = message(done)
    assert "FQ-TUN: /dev/net/tun cannot be opened" in said
    assert "modprobe tun" in said


def test_namespaces_refused(tmp_path: Path, runtime: Path) -> None:
    refusing = tmp_path / "unshare"
    refusing.write_text("#!/bin/sh\necho unshare: unshare failed: Operation not permitted >&2\nexit 1\n")
    refusing.chmod(0o755)
    said = message(
        task("boot", "--lab", "spaceless", env={**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"})
    )
    assert "FQ-NETNS" in said
    assert "| unshare: unshare failed: Operation not permitted" in said
