# SPDX-License-Identifier: MIT
"""Labs without a target: namespaces, processes, sockets, and that nothing of them is ever left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import gone, inside, interfaces, parent

from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.lab import rundir
from devkit.lab.client import Lab, running
from devkit.lab.sandbox import SCRATCH, Tree
from tests import other_user

#: A process that leaves the process group and the session of whoever started it.
STRAY = ["setsid", "-f", "sleep", "1000"]

OWNER = """
import sys, time
from devkit.lab.client import Lab
lab = Lab.start(sys.argv[1])
process = lab.popen("client", ["sleep", "1000"])
lab.run("lab", ["setsid", "-f", "sleep", "1000"])
print("ready", flush=True)
time.sleep(1000)
"""


@pytest.fixture
def own() -> Iterator[Lab]:
    with Lab.start() as lab:
        yield lab


@pytest.fixture(autouse=True)
def host_is_left_alone() -> Iterator[None]:
    before = interfaces()
    yield
    assert interfaces() == before


def test_addresses_and_routes(own: Lab) -> None:
    shown = own.run("client", ["ip", "-brief", "address", "show", "eth0"]).stdout
    assert "198.18.0.2/24" in shown
    assert "2001:2:0:1::2/64" in shown
    assert "via 198.19.0.1 dev eth0" in own.run("server", ["ip", "route"]).stdout
    links = own.run("lab", ["ip", "-brief", "link"]).stdout
    assert {"br-client", "tap-client", "br-server", "tap-server"} <= set(links.split())


def test_the_host_is_not_reachable(own: Lab) -> None:
    assert set(own.run("client", ["ls", "/proc/sys/net/ipv4/conf"]).stdout.split()) == {
        "all", "default", "eth0", "lo",
    }  # fmt: skip


def test_side_by_side() -> None:
    with Lab.start() as one, Lab.start() as two:
        assert one.name != two.name
        assert one.pid != two.pid
        with one.socket("client", socket.AF_INET, socket.SOCK_STREAM) as first:
            first.bind(("198.18.0.2", 7))
            first.listen()
            with two.socket("client", socket.AF_INET, socket.SOCK_STREAM) as second:
                second.bind(("198.18.0.2", 7))
                with pytest.raises(ConnectionRefusedError):
                    second.connect(("198.18.0.2", 8))


def test_status_and_output_of_processes(own: Lab) -> None:
    done = own.run("server", ["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert own.run("server", ["sh", "-c", "kill -9 $$"]).returncode == -signal.SIGKILL


def test_pipes(own: Lab) -> None:
    with own.popen("client", ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"through\n")
        assert process.stdout.readline() == b"through\n"
        process.stdin.close()
        assert process.wait(5) == 0


def test_environment_and_folder(own: Lab, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        argv = ["sh", "-c", "echo $A; pwd"]
        own.popen("client", argv, stdout=out, cwd=tmp_path, env={"A": "b", "PATH": "/bin"}).wait(5)
    assert (tmp_path / "out").read_text().split() == ["b", str(tmp_path)]


#: Capabilities, the end of gaining them, and what a program can do about its network.
_RIGHTS = """
grep -E 'CapPrm|CapEff|CapBnd|NoNewPrivs' /proc/self/status
ip address add 10.0.0.1/32 dev lo
echo $?
"""


def _rights(lab: Lab, *, privileged: bool) -> dict[str, int]:
    done = lab.run("client", ["sh", "-c", _RIGHTS], privileged=privileged)
    *fields, status = done.stdout.split()
    found = {name.rstrip(":"): int(value, 16) for name, value in zip(fields[::2], fields[1::2], strict=True)}
    return {**found, "status": int(status)}


def test_programs_have_no_capabilities(own: Lab) -> None:
    """A guest talks to them."""
    found = _rights(own, privileged=False)
    assert found.pop("status") != 0
    assert found == {"CapPrm": 0, "CapEff": 0, "CapBnd": 0, "NoNewPrivs": 1}


def _fails(lab: Lab, script: str, *, privileged: bool = False) -> bool:
    done = lab.run("client", [sys.executable, "-c", f"import ctypes\nlibc = ctypes.CDLL(None)\n{script}"],
                   privileged=privileged)  # fmt: skip
    assert done.returncode in {0, 7}, done.stderr
    return bool(done.returncode == 7)


_CALLS = {
    "unshare": "raise SystemExit(7 * (libc.unshare(0x10000000) != 0))",
    "clone": "raise SystemExit(7 * (libc.syscall(56, 0x10000011, 0, 0, 0, 0) < 0))",
    "keyctl": "raise SystemExit(7 * (libc.syscall(250, 0, -3, 0) < 0))",
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls")
@pytest.mark.parametrize("call", _CALLS)
def test_programs_cannot_reach_what_they_do_not_need(own: Lab, call: str) -> None:
    """It works where the capabilities stay, which also says that the script is right."""
    assert _fails(own, _CALLS[call])
    assert not _fails(own, _CALLS[call], privileged=True)


def test_threads_and_processes_work(own: Lab) -> None:
    script = (
        "import subprocess, threading\nthread = threading.Thread(target=subprocess.run, args=(['true'],))\n"
        "thread.start(); thread.join(); raise SystemExit(subprocess.run(['true']).returncode)"
    )
    assert not _fails(own, script)


def test_programs_without_capabilities_serve_at_any_port(own: Lab) -> None:
    script = "import socket; socket.create_server(('{}', 80), family=socket.AF_INET{})"
    for side, address, family in (("server", "198.19.0.2", ""), ("client", "2001:2:0:1::2", "6")):
        done = own.run(side, [sys.executable, "-c", script.format(address, family)])
        assert (done.returncode, done.stderr) == (0, "")


def test_programs_that_configure_the_network_have_them(own: Lab) -> None:
    found = _rights(own, privileged=True)
    assert (found["status"], found["NoNewPrivs"]) == (0, 0)
    assert found["CapEff"]


def test_programs_in_a_file_tree_of_their_own(own: Lab, tmp_path: Path) -> None:
    script = (
        "echo x >$TMPDIR/file && cat /etc/passwd /proc/version; ls /; exec ip address add 10.0.0.1/32 dev lo"
    )
    tree = Tree(writes=[(str(tmp_path), SCRATCH)])
    with own.popen(
        "client", ["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, tree=tree,
        env={"PATH": "/usr/sbin:/usr/bin:/bin", "TMPDIR": SCRATCH},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.read().decode()
        assert process.wait(10) != 0
    assert (tmp_path / "file").read_text() == "x\n"
    assert "/etc/passwd: No such file" in said
    assert "/proc/version: No such file" in said
    assert not {"root", "home", "proc", "run", "sys"} & set(said.split())
    assert "not permitted" in said


def test_timeout_kills_the_process(own: Lab) -> None:
    before = set(inside(own))
    with pytest.raises(subprocess.TimeoutExpired):
        own.run("client", ["sh", "-c", "sleep 1000 & sleep 1000"], timeout=0.3)
    assert gone(set(inside(own)) - before)


def test_missing_program(own: Lab) -> None:
    with pytest.raises(KitError, match="no-such-program") as caught:
        own.popen("client", ["no-such-program"])
    assert caught.value.code == "FQ-TOOL"


def test_unknown_namespace(own: Lab) -> None:
    with pytest.raises(KitError, match="no namespace"):
        own.popen("internet", ["true"])
    with pytest.raises(KitError):
        own.socket("internet", socket.AF_INET, socket.SOCK_STREAM)


def test_impossible_socket(own: Lab) -> None:
    with pytest.raises(KitError, match="no socket"):
        own.socket("client", 250, 77)


def test_sockets_are_inside(own: Lab) -> None:
    frame = bytes.fromhex("ffffffffffff 02fa00000102 88b5") + b"hello" + bytes(50)
    kind = socket.AF_PACKET, socket.SOCK_RAW
    with own.socket("client", *kind) as client, own.socket("lab", *kind) as bridge:
        client.bind(("eth0", 0x88B5))
        bridge.bind(("br-client", 0x88B5))
        bridge.settimeout(5)
        client.send(frame)
        assert bridge.recv(2000) == frame


def test_no_noise_of_the_hosts(own: Lab) -> None:
    with own.socket("lab", socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as bridge:
        bridge.bind(("br-server", 3))
        bridge.settimeout(1.5)
        kinds = []
        try:
            while True:
                packet = bridge.recv(2000)
                # Next header 0, then type 143: a report of multicast listeners, which cannot be switched off.
                kinds += [] if packet[12:14] == b"\x86\xdd" and packet[20] == 0 else [packet.hex()]
        except TimeoutError:
            pass
        assert kinds == []


def test_many_processes_are_reaped(own: Lab) -> None:
    for _ in range(30):
        own.run("lab", ["sh", "-c", "setsid -f true; true &"])
    deadline = time.monotonic() + 5
    while len(inside(own)) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(inside(own)) == 1


def test_stop_takes_everything(own: Lab) -> None:
    own.popen("client", ["sleep", "1000"], lasting=True)
    own.run("lab", STRAY)
    found = inside(own)
    assert len(found) == 3
    own.stop()
    assert gone(found, 0.0)
    assert not own.directory.exists()


@pytest.mark.parametrize("victim", ["supervisor", "unshare"])
def test_killed_supervisor_takes_everything(own: Lab, victim: str) -> None:
    process = own.popen("client", ["sleep", "1000"])
    own.run("lab", STRAY)
    found = inside(own)
    os.kill(own.pid if victim == "supervisor" else parent(own.pid), signal.SIGKILL)
    assert gone(found)
    assert process.wait(5) == -signal.SIGKILL
    with pytest.raises(KitError, match="ended") as caught:
        own.run("client", ["true"])
    assert caught.value.code == "FQ-LAB"
    with Lab.start():
        assert not own.directory.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_owner_takes_everything(number: int) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, "owned"], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"ready\n"
    lab = Lab.attach("owned")
    found = inside(lab)
    assert len(found) == 3
    owner.send_signal(number)
    owner.wait(5)
    owner.stdout.close()
    assert gone(found)
    assert not lab.directory.exists()


def test_killed_client_takes_its_process_only(own: Lab) -> None:
    script = (
        "import sys, os, signal\nfrom devkit.lab.client import Lab\n"
        "lab = Lab.attach(sys.argv[1])\nlab.popen('client', ['sleep', '1000'])\n"
        "lab.popen('client', ['sleep', '2000'], lasting=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, own.name], cwd=PROJECT, check=False)
    deadline = time.monotonic() + 5
    while len(inside(own)) > 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    sleeping = [pid for pid, name in inside(own).items() if name == "sleep"]
    assert [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in sleeping] == [b"sleep\x002000\x00"]


def test_detached_lab_lives_on_until_its_process_ends() -> None:
    script = (
        "from devkit.lab.client import Lab\n"
        "lab = Lab.start('detached')\nlab.detach(lab.popen('lab', ['sleep', '1000'], lasting=True))\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)
    lab = Lab.attach("detached")
    assert lab.info()["detached"]
    assert "detached" in [one.name for one in running()]
    found = inside(lab)
    os.kill(next(pid for pid, name in found.items() if name == "sleep"), signal.SIGKILL)
    assert gone(found)
    assert not lab.directory.exists()


def test_owner_dies_not() -> None:
    script = "from devkit.lab.client import Lab\nLab.start('free', owner_dies=False)\n"
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)
    lab = Lab.attach("free")
    found = inside(lab)
    lab.stop()
    assert gone(found)


def test_busy_name(own: Lab) -> None:
    with pytest.raises(KitError, match=own.name) as caught:
        Lab.start(own.name)
    assert caught.value.code == "FQ-BUSY"
    assert own.run("client", ["true"]).returncode == 0


def test_name_of_a_dead_lab_is_free() -> None:
    with Lab.start("again") as lab:
        found = inside(lab)
        os.kill(lab.pid, signal.SIGKILL)
        assert gone(found)
        with Lab.start("again") as other:
            assert other.run("client", ["true"]).returncode == 0


@pytest.mark.parametrize("name", ["", "a/b", "..", "Upper", "x" * 32])
def test_impossible_names(name: str) -> None:
    with pytest.raises(KitError) as caught:
        rundir.check_name(name)
    assert caught.value.code == "FQ-LAB"


def test_attach_to_nothing(own: Lab) -> None:
    with pytest.raises(KitError, match=f"running: .*{own.name}") as caught:
        Lab.attach("nobody")
    assert caught.value.code == "FQ-LAB"


def test_runtime_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    monkeypatch.setenv("FASTQUEUE_RUNTIME", str(shared))
    with pytest.raises(KitError) as caught:
        Lab.start()
    assert caught.value.code == "FQ-RUNTIME"


@other_user.needs_root
def test_another_user_gets_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the directories and the socket were opened to everybody."""
    with tempfile.TemporaryDirectory(prefix="fq-") as above:
        Path(above).chmod(0o755)
        monkeypatch.setenv("FASTQUEUE_RUNTIME", f"{above}/labs")
        with Lab.start() as lab:
            control = rundir.control(lab.name)
            _open_to_everybody(control)
            other_user.run(lambda: _ask_in_vain(control))
            with pytest.raises(KitError) as caught:
                lab.info()
            assert caught.value.code == "FQ-RUNTIME"
            for path in (control.parent.parent, control.parent):
                path.chmod(0o700)
            assert lab.info()["name"] == lab.name
            assert f"user id {other_user.UID}" in (lab.logs / "lab.log").read_text()


def _open_to_everybody(control: Path) -> None:
    for path in (control.parent.parent, control.parent, control):
        path.chmod(0o777)


def _ask_in_vain(control: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(str(control))
        with contextlib.suppress(BrokenPipeError):
            sock.send(b'{"op": "info"}')
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(4096) == b""


def test_a_lab_whose_directory_is_gone_ends(own: Lab) -> None:
    found = inside(own)
    shutil.rmtree(own.directory)
    assert gone(found)


def test_a_runtime_folder_of_ones_own_has_its_own_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {rundir.all_logs()}
    for name in ("mine", "other/mine", "labs"):
        monkeypatch.setenv("FASTQUEUE_RUNTIME", str(tmp_path / name))
        found.add(rundir.all_logs())
    assert len(found) == 4


def test_logs_of_a_living_lab_stay_however_many_come_in_another_folder(
    own: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rundir, "_KEPT_LOGS", 1)
    monkeypatch.setenv("FASTQUEUE_RUNTIME", str(tmp_path / "labs"))
    for _ in range(3):
        with Lab.start():
            pass
    assert (own.logs / "lab.log").exists()


def test_only_what_labs_make_is_ever_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "r"
    (mine / "thesis").mkdir(parents=True)
    mine.chmod(0o700)
    (mine / "thesis" / "chapter.tex").touch()
    monkeypatch.setenv("FASTQUEUE_RUNTIME", str(mine))
    with Lab.start():
        pass
    with pytest.raises(KitError) as caught:
        Lab.start("thesis")
    assert caught.value.code == "FQ-RUNTIME"
    assert (mine / "thesis" / "chapter.tex").exists()


def test_runtime_folder_with_a_long_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTQUEUE_RUNTIME", str(tmp_path / ("x" * 100)))
    with pytest.raises(KitError, match="too long") as caught:
        Lab.start()
    assert caught.value.code == "FQ-RUNTIME"


def test_offloads_stay_where_asked() -> None:
    with Lab.start(offloads=True) as lab:
        assert "tx-checksum-ip-generic: on" in lab.run("client", ["ethtool", "-k", "eth0"]).stdout


def test_offloads_are_off(own: Lab) -> None:
    features = own.run("client", ["ethtool", "-k", "eth0"]).stdout
    for name in ("tx-checksumming", "tcp-segmentation-offload", "generic-receive-offload"):
        assert f"{name}: off" in features
