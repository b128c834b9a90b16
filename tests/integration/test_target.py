# SPDX-License-Identifier: MIT
"""The booted target: router, command channel, files, profiles, NICs."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from devkit.host.errors import KitError
from devkit.image.image import Image
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.target.qemu import Target


def echo(lab: Lab, family: int, address: str) -> bytes:
    """Send a line from client to server over TCP and back, through the target."""
    with lab.socket("server", family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", 7))
        listener.listen()
        with lab.socket("client", family, socket.SOCK_STREAM) as client:
            client.settimeout(10)
            client.connect((address, 7))
            server, _ = listener.accept()
            with server:
                client.sendall(b"there ")
                server.sendall(server.recv(100) + b"and back")
            return client.makefile("rb").read()


def test_routes_between_client_and_server(target: Target, lab: Lab) -> None:
    server = topology.load().server.endpoint
    assert echo(lab, socket.AF_INET, server.address4) == b"there and back"
    assert echo(lab, socket.AF_INET6, server.address6) == b"there and back"


def test_addresses_are_those_of_the_topology(target: Target) -> None:
    for side in topology.load().sides:
        shown = target.run(f"ip address show {side.target.interface}").output
        assert f"inet {side.target.ipv4} " in shown
        assert f"inet6 {side.target.ipv6} " in shown


def test_cards_are_those_of_the_topology(target: Target, lab: Lab) -> None:
    for side in topology.load().sides:
        assert side.target.mac in target.run(f"ip address show {side.target.interface}").output


def test_a_pentium_iii_with_64_megabytes(target: Target) -> None:
    assert "Pentium III" in target.run("cat /proc/cpuinfo").output
    total = int(target.run("cat /proc/meminfo").output.split()[1])
    assert total < 64 * 1024


def test_offloads_are_off(target: Target) -> None:
    for nic in ("eth0", "eth1"):
        features = target.run(["ethtool", "-k", nic]).output
        for name in ("tcp-segmentation-offload", "generic-receive-offload", "generic-segmentation-offload"):
            assert f"{name}: off" in features


def test_output_and_status(target: Target) -> None:
    result = target.run("echo out; echo err >&2; exit 3", check=False)
    assert (result.status, result.output) == (3, "out\nerr\n")


def test_words_are_kept(target: Target) -> None:
    assert target.run(["printf", "%s|", "a  b", "$HOME", "'"]).output == "a  b|$HOME|'|"


def test_check(target: Target) -> None:
    with pytest.raises(KitError, match="in the target: ls /nowhere") as caught:
        target.run("ls /nowhere")
    assert caught.value.code == "FQ-STATUS"
    assert "/nowhere" in caught.value.lines[-1]


def test_large_output_is_complete_however_late_the_reader(target: Target) -> None:
    late: list[int] = []

    def sink(data: bytes) -> None:
        if not late:
            time.sleep(1)
        late.append(len(data))

    expected = "".join(f"{number}\n" for number in range(1, 50_001))
    assert target.run("seq 1 50000", sink=sink, timeout=300).output == expected


def test_files_there_and_back(target: Target, tmp_path: Path) -> None:
    data = os.urandom(50_000) + b"\0\r\n\x03\x04"
    (tmp_path / "file").write_bytes(data)
    target.put(tmp_path / "file", "/tmp/with space", 0o755)
    assert target.get("/tmp/with space") == data
    assert target.run("stat -c %a '/tmp/with space'").output == "755\n"
    target.run("rm '/tmp/with space'")


def test_timeout_interrupts_and_the_target_is_usable_on(target: Target) -> None:
    with pytest.raises(KitError) as caught:
        target.run("echo before; sleep 1000", timeout=10)
    assert caught.value.code == "FQ-TIMEOUT"
    assert caught.value.lines == ["before"]
    everything = "for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file; echo; done"
    assert target.run(f"{everything} | grep '^sleep 1000'", check=False).output == ""


def test_a_command_that_kills_its_shell_is_noticed_and_the_target_is_usable_on(target: Target) -> None:
    with pytest.raises(KitError, match="is gone") as caught:
        target.run("kill -9 $PPID; sleep 1000", timeout=600)
    assert caught.value.code == "FQ-CHANNEL"
    assert target.run("echo fine").output == "fine\n"


def test_kernel_log_is_apart_from_commands(target: Target) -> None:
    mark = target.log.mark()
    result = target.run("echo before; echo said by the kernel >/dev/kmsg; echo after")
    assert result.output == "before\nafter\n"
    deadline = time.monotonic() + 5
    while "said by the kernel" not in target.log.text(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "said by the kernel" in target.log.text(mark)


def test_channel_has_one_user(target: Target, lab: Lab) -> None:
    with pytest.raises(KitError, match="in use") as caught:
        Target.attach(Lab.attach(lab.name), patience=0.2)
    assert caught.value.code == "FQ-BUSY"


def test_channel_changes_hands(image: Image) -> None:
    with Lab.start() as lab:
        first = Target.boot(image, lab=lab)
        threading.Timer(1, first.close).start()
        second = Target.attach(lab)
        assert second.run("echo mine").output == "mine\n"
        # Somebody goes in the middle of a command; the next one finds a shell all the same.
        second._shell.channel.send(b"sleep 1000\n")
        second.close()
        third = Target.attach(lab)
        assert third.run("echo mine").output == "mine\n"
        third.down()
        assert lab.info()["target"] is None


def test_e1000(image: Image) -> None:
    with Lab.start() as lab, Target.boot(image, lab=lab, nic="e1000") as target:
        assert "driver: e1000" in target.run("ethtool -i eth0").output
        assert echo(lab, socket.AF_INET, "198.19.0.2") == b"there and back"
        assert target.log.complaints() == []


def test_virtual_time(image: Image) -> None:
    with Lab.start() as lab, Target.boot(image, lab=lab, profile="p3-1g") as target:
        assert echo(lab, socket.AF_INET, "198.19.0.2") == b"there and back"
        # One instruction a nanosecond: the clock of the CPU runs at 1 GHz.
        assert abs(float(_megahertz(target)) - 1000) < 20
        # The same work takes the same virtual time, whatever the host does.
        loop = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"
        times = [_cpu_seconds(target, loop) for _ in range(3)]
        assert max(times) - min(times) < 0.1 * max(times) + 0.02
        assert target.log.complaints() == []


def _megahertz(target: Target) -> str:
    return target.run("sed -n 's/^cpu MHz.*: //p' /proc/cpuinfo").output


def _cpu_seconds(target: Target, command: str) -> float:
    said = target.run(f"time sh -c '{command}'").output
    minutes, seconds = next(line for line in said.splitlines() if line.startswith("user")).split()[1:3]
    return float(minutes.rstrip("m")) * 60 + float(seconds.rstrip("s"))


def test_kvm_or_its_fallback(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    with Lab.start() as lab, Target.boot(image, lab=lab, profile="kvm"):
        assert echo(lab, socket.AF_INET, "198.19.0.2") == b"there and back"
        fell_back = lab.info()["target"]["profile"] == "p3"
    said = capsys.readouterr().out
    assert ("kvm cannot run this guest" in said) == fell_back
