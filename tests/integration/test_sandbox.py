# SPDX-License-Identifier: MIT
"""What a guest that broke out of QEMU would find: no capability, no file, no socket, no way to the lab."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import other_user
import pytest
from processes import inside

from devkit import bounded_log
from devkit.build.image import Image
from devkit.errors import KitError
from devkit.lab.client import Lab
from devkit.lab.machine import Launch, fd
from devkit.paths import PROJECT
from devkit.target import Target

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
from devkit import paths
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
    from devkit import peer

    with peer.connect(own.directory / "serial.sock") as sock:
        assert sock.recv(10) == b"hello"
    assert output.read_bytes() == b""


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
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert not re.search(r"^Max (address space|file size) +unlimited", limits, re.MULTILINE)
        root = Path(f"/proc/{pid}/root")
        assert not {"home", "root", "proc", "run"} & {path.name for path in root.iterdir()}
        assert not list(root.glob("**/control.sock"))
        if status(pid)["Uid"].split()[0] == "0":
            assert not (root / "etc/shadow").exists()
        assert target.run("echo fine").output == "fine\n"
