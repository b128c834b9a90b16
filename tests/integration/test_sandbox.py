# SPDX-License-Identifier: MIT
"""What a guest that broke out of QEMU would find: no capability, no file, no socket, no way to the lab."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import gone, inside

from devkit.host import bounded_log
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.lab.machine import Launch, fd
from devkit.lab.sandbox import Tree
from devkit.target.qemu import Target
from tests import other_user

_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

#: Looks around, says what it found, and waits.
_INSIDE = """
import json, os, socket, sys, time
def fails(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "works"
print(json.dumps({
    "root": sorted(os.listdir("/")),
    "etc": sorted(os.listdir("/etc")),
    "devices": sorted(os.listdir("/dev")),
    "environment": sorted(os.environ),
    "write": [fails(lambda: open(path, "w")) for path in ("/x", "/usr/x", "/dev/x", sys.argv[1])],
    "scratch": fails(lambda: open("/var/tmp/x", "w")),
    "mount": fails(lambda: os.chroot("/usr")),
    "raw": fails(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "read": open(sys.argv[1]).read(),
}), flush=True)
time.sleep(1000)
"""


def status(pid: int) -> dict[str, str]:
    """Return the fields of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def confined(pid: int) -> None:
    found = status(pid)
    assert {name: int(found[name], 16) for name in _CAPABILITIES} == dict.fromkeys(_CAPABILITIES, 0)
    assert found["NoNewPrivs"] == "1"


def looked_around(lab: Lab, folder: Path) -> dict[str, Any]:
    """Start the program above in the sandbox and return what it found."""
    (folder / "given").write_text("content")
    (folder / "scratch").mkdir()
    output = lab.logs / "output.log"
    argv = ["/usr/bin/python3", "-c", _INSIDE, str(folder / "given")]
    scratch, logs = str(folder / "scratch"), {"output": str(output)}
    lab.launch(Launch(argv, logs=logs, reads=[str(folder / "given")], scratch=scratch))
    deadline = time.monotonic() + 30
    while not output.read_text().endswith("\n") and time.monotonic() < deadline:
        time.sleep(0.05)
    found: dict[str, Any] = json.loads(output.read_text())
    (pid,) = (
        pid for pid, name in inside(lab).items() if name == "python3" and status(pid)["NoNewPrivs"] == "1"
    )
    confined(pid)
    return found


@pytest.fixture
def own() -> Iterator[Lab]:
    with Lab.start() as lab:
        yield lab


def check(found: dict[str, Any]) -> None:
    assert not {"home", "root", "proc", "sys", "run", "old", "opt", "srv", "mnt"} & set(
        map(str, found["root"])
    )
    assert set(found["etc"]) <= {"ld.so.cache", "alternatives"}
    assert set(found["devices"]) <= {"null", "zero", "full", "random", "urandom", "kvm"}
    assert set(found["environment"]) <= {"PATH", "LC_ALL", "LC_CTYPE", "TMPDIR"}
    assert "works" not in found["write"]
    assert (found["scratch"], found["read"]) == ("works", "content")
    assert (found["mount"], found["raw"]) == ("PermissionError", "PermissionError")


def test_nothing_of_the_user_is_in_the_sandbox(own: Lab, tmp_path: Path) -> None:
    check(looked_around(own, tmp_path))


def test_a_file_that_only_its_other_owner_may_read_is_there(own: Lab, tmp_path: Path) -> None:
    """Root boots what a user has built with a umask of 077, and has no capability to read it any more."""
    (tmp_path / "given").write_text("content")
    (tmp_path / "given").chmod(0o600)
    if os.geteuid() == 0:
        os.chown(tmp_path / "given", other_user.UID, other_user.UID)
    check(looked_around(own, tmp_path))


_AS_USER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
import test_sandbox
from devkit.host import paths
paths.LOGS = Path(sys.argv[1]) / "logs"
from devkit.lab.client import Lab
with Lab.start() as lab:
    test_sandbox.check(test_sandbox.looked_around(lab, Path(sys.argv[1])))
"""


#: With /dev/net/tun as Debian has it, for everybody, in a mount namespace.
_WITH_TUN = """
mknod "$1/tun" c 10 200 && chmod 666 "$1/tun" && mount --bind "$1/tun" /dev/net/tun || exit
user=$2
shift 2
exec setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
"""


@other_user.needs_root
def test_a_user_who_is_not_root_has_the_same_sandbox() -> None:
    with tempfile.TemporaryDirectory(prefix="fq-") as folder:
        os.chown(folder, other_user.UID, other_user.UID)
        environment = {**os.environ, "FASTQUEUE_RUNTIME": f"{folder}/r", "PYTHONPATH": str(PROJECT)}
        here = Path(__file__).parent
        program = [sys.executable, "-c", _AS_USER, folder, str(here), str(here.parent)]
        argv = ["unshare", "--mount", "sh", "-c", _WITH_TUN, "sh", folder, str(other_user.UID), *program]
        subprocess.run(argv, check=True, env=environment, cwd="/")


def test_one_that_cannot_be_confined_does_not_run(own: Lab, tmp_path: Path) -> None:
    output = own.logs / "output.log"
    launch = Launch(["/usr/bin/true"], logs={"output": str(output)}, writes=[str(tmp_path / "none")])
    with pytest.raises(KitError) as caught:
        own.launch(launch)
    assert caught.value.code == "FQ-SANDBOX"
    assert "none" in output.read_text()


def test_what_it_says_is_bounded_and_its_last_words_are_kept(own: Lab) -> None:
    output = own.logs / "output.log"
    count = 3 * bounded_log.LIMIT // 65536
    script = f"import os\nfor _ in range({count}): os.write(1, bytes(65536))\nos.write(2, b'last')"
    launch = Launch(["/usr/bin/python3", "-c", script], logs={"output": str(output)})
    process = own.launch(launch)
    assert process.wait(60) == 0
    assert bounded_log.size(output) == 3 * bounded_log.LIMIT + 4
    kept = sum(path.stat().st_size for path in output.parent.glob("output.log*"))
    assert kept <= 2 * bounded_log.LIMIT
    assert bounded_log.read(output)[1].endswith(b"last")


def test_it_gets_listening_sockets_and_taps(own: Lab) -> None:
    script = (
        "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); c, _ = s.accept(); c.send(b'hello')"
    )
    output = own.logs / "output.log"
    argv = ["/usr/bin/python3", "-c", script, fd("serial"), fd("tap-client")]
    own.launch(Launch(argv, taps=["tap-client"], sockets=["serial"], logs={"output": str(output)}))
    from devkit.host import unix_peer

    with unix_peer.connect(own.directory / "serial.sock") as sock:
        assert sock.recv(10) == b"hello"
    assert output.read_bytes() == b""


#: Says what comes of reaching into another process (its pid) and into this one.
_REACH = """
import ctypes, errno, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
def result(value):
    return "works" if value >= 0 else errno.errorcode[ctypes.get_errno()]
def memory(pid):
    into = ctypes.create_string_buffer(1)
    mine = Piece(ctypes.addressof(into), 1)
    others = mine if pid == os.getpid() else Piece(int(sys.argv[2]), 1)
    return result(libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(others), 1, 0))
def descriptor(pid):
    try:
        return result(libc.syscall(438, os.pidfd_open(pid), 0, 0))
    except OSError as error:
        return errno.errorcode[error.errno]
def signal(pid):
    try:
        os.kill(pid, 0)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "works"
other = int(sys.argv[1])
said = memory(other), descriptor(other), signal(other), result(libc.ptrace(16, other, 0, 0))
print(*said, memory(os.getpid()), descriptor(os.getpid()), flush=True)
"""
#: A program of the lab, which says an address of its own.
_BARE = """
import ctypes, time
own = ctypes.create_string_buffer(1)
print(ctypes.addressof(own), flush=True)
time.sleep(1000)
"""


@pytest.fixture
def other(own: Lab) -> Iterator[list[str]]:
    """Yield the words of a program that reaches into another one of the lab."""
    with own.popen("client", ["/usr/bin/python3", "-c", _BARE], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        yield ["/usr/bin/python3", "-c", _REACH, str(process.pid), address]


def test_a_program_with_capabilities_reaches_into_others(own: Lab, other: list[str]) -> None:
    """So the script is right, and the lab's programs can be reached at all."""
    assert own.run("client", other, privileged=True).stdout.split()[:4] == ["works"] * 4


def test_programs_of_a_lab_cannot_reach_into_others(own: Lab, other: list[str]) -> None:
    done = own.run("client", other)
    assert done.stdout.split()[:2] == ["EPERM"] * 2, done.stderr
    assert done.stdout.split()[3] == "EPERM"


def test_what_runs_as_qemu_does_cannot_even_name_others(own: Lab, other: list[str]) -> None:
    output = own.logs / "output.log"
    assert own.launch(Launch(other, logs={"output": str(output)})).wait(60) == 0
    assert output.read_text().split() == ["EPERM", "ESRCH", "ESRCH", "EPERM", "EPERM", "EPERM"]


def test_what_runs_as_iperf_does_cannot_even_name_others(own: Lab, other: list[str]) -> None:
    with own.popen("client", other, stdout=subprocess.PIPE, tree=Tree()) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode().split()
        assert process.wait(60) == 0
    assert said == ["EPERM", "ESRCH", "ESRCH", "EPERM", "EPERM", "EPERM"]


#: From the moment on at which it has no capabilities, until it executes a program.
_FORKED = """
import ctypes, sys
from devkit.lab import sandbox
say = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)"
sandbox.drop_rights()
exec(say)
import os
os.execv(sys.executable, [sys.executable, "-c", say])
"""


def test_nobody_can_attach_to_a_child_that_has_the_supervisors_descriptors(own: Lab) -> None:
    argv = ["env", f"PYTHONPATH={PROJECT}", sys.executable, "-c", _FORKED]
    done = own.run("client", argv, privileged=True)
    assert done.stdout.split() == ["0", "1"], done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGABRT, signal.SIGKILL])
def test_signals_end_what_is_in_the_sandbox(own: Lab, number: int) -> None:
    argv = ["sh", "-c", "sleep 1000 & setsid -f sleep 1000; echo ready; exec sleep 1000"]
    before = set(inside(own))
    with own.popen("client", argv, stdout=subprocess.PIPE, tree=Tree()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        found = set(inside(own)) - before
        assert len(found) >= 4
        process.send_signal(number)
        assert process.wait(10) == -number
    assert gone(found)


def test_the_sandbox_ends_with_its_owner_and_with_the_lab(own: Lab) -> None:
    before = set(inside(own))
    own.popen("client", ["sleep", "1000"], tree=Tree()).close()
    assert gone(set(inside(own)) - before)
    own.popen("client", ["sleep", "1000"], tree=Tree(), lasting=True)
    own.launch(Launch(["sleep", "1000"], logs={"output": str(own.logs / "output.log")}))
    found = inside(own)
    assert len(found) >= 5
    own.stop()
    assert gone(found, 0.0)


def test_memory_and_files_have_limits(own: Lab) -> None:
    script = "import resource as r; print(r.getrlimit(r.RLIMIT_AS), r.getrlimit(r.RLIMIT_FSIZE))"
    output = own.logs / "output.log"
    with tempfile.TemporaryFile() as disk:
        disk.truncate(3 << 30)
        launch = Launch(
            ["/usr/bin/python3", "-c", script], logs={"output": str(output)}, given=["disk"], memory=1 << 30
        )
        assert own.launch(launch, [disk.fileno()]).wait(60) == 0
    assert output.read_text() == f"{(1 << 30, 1 << 30)} {(4 << 30, 4 << 30)}\n"


def test_qemu_runs_without_rights(image: Image, own: Lab) -> None:
    with Target.boot(image, lab=own) as target:
        (pid,) = (pid for pid, name in inside(own).items() if name.startswith("qemu-system"))
        confined(pid)
        assert status(pid)["Seccomp"] == "2"
        assert int(status(pid)["Seccomp_filters"]) == 2, "the kit's and QEMU's own"
        assert len(status(pid)["NSpid"].split()) == len(status(own.pid)["NSpid"].split()) + 1
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert not re.search(r"^Max (address space|file size) +unlimited", limits, re.MULTILINE)
        root = Path(f"/proc/{pid}/root")
        assert not {"home", "root", "proc", "run"} & {path.name for path in root.iterdir()}
        assert not list(root.glob("**/control.sock"))
        if status(pid)["Uid"].split()[0] == "0":
            assert not (root / "etc/shadow").exists()
        assert target.run("echo fine").output == "fine\n"
