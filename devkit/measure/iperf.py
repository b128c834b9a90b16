# SPDX-License-Identifier: MIT
"""TCP throughput between the lab's hosts, by iperf3."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from devkit.host.errors import KitError
from devkit.host.run_command import last_lines
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.lab.process import Process
from devkit.lab.sandbox import SCRATCH, Tree

#: Not measured: TCP finds its rate first (seconds).
WARM_UP = 1

_LISTEN_TIME = 20.0
_SPARE_TIME = 30.0
_LONGEST_REPORT = 16 << 20  # bytes
_LONGEST_GREETING = 64 << 10  # bytes
_ALGORITHMS = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")


#: iperf3 has its buffers in temporary files.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TMPDIR": SCRATCH}


class _Confined(TypedDict):
    tree: Tree
    env: dict[str, str]


@dataclass(frozen=True)
class Interval:
    """One second of a run: start in s after the warm-up, rate in Mbit/s as sent."""

    start: float
    mbit_per_s: float
    retransmits: int


@dataclass(frozen=True)
class Throughput:
    """One TCP stream: what the receiver got in Mbit/s (10^6), the sender's retransmitted segments."""

    mbit_per_s: float
    retransmits: int
    seconds: float
    congestion: str
    intervals: tuple[Interval, ...]


def parse(text: str) -> Throughput:
    """Read the client's JSON; KitError FQ-IPERF where the run failed or this is none."""
    try:
        report: dict[str, Any] = json.loads(text)
        if "error" in report:
            raise _failed(f"iperf3: {report['error']}")
        return _read(report)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _failed(f"iperf3 printed no report: {error!r}", last_lines(text)) from error


def _read(report: dict[str, Any]) -> Throughput:
    sent, received = report["end"]["sum_sent"], report["end"]["sum_received"]
    if not received["bytes"]:
        raise _failed("iperf3 moved no data")
    counted = [part["sum"] for part in report["intervals"] if not part["sum"]["omitted"]]
    return Throughput(
        mbit_per_s=received["bits_per_second"] / 1e6,
        retransmits=sent["retransmits"],
        seconds=received["seconds"],
        congestion=report["end"]["sender_tcp_congestion"],
        intervals=tuple(
            Interval(part["start"], part["bits_per_second"] / 1e6, part["retransmits"]) for part in counted
        ),
    )


@dataclass
class IperfRun:
    """A stream under way; result() waits for its end."""

    client: Process
    output: Path
    seconds: int

    def result(self) -> Throughput:
        """Wait for the end; KitError FQ-IPERF where it fails or comes far too late."""
        try:
            self.client.wait(WARM_UP + self.seconds + _SPARE_TIME)
        except subprocess.TimeoutExpired as error:
            raise _failed("iperf3 does not end") from error
        with self.output.open("rb") as file:
            return parse(file.read(_LONGEST_REPORT).decode(errors="replace"))


def measure(lab: Lab, address: str, seconds: int) -> Throughput:
    """Return the throughput of one stream from the client to ``address`` in the server."""
    with running(lab, address, seconds) as run:
        return run.result()


@contextmanager
def running(lab: Lab, address: str, seconds: int) -> Iterator[IperfRun]:
    """Start a stream from the client to ``address`` in the server: WARM_UP + ``seconds`` long.

    The server takes one client, at a port nobody else has, and dies with its creator, so that no
    leftover of another run can answer. Both are gone at the end.
    """
    port = _free_port(lab)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as scratch:
        output = Path(folder) / "client.json"
        argv = ["iperf3", "-s", "-1", "-p", str(port), "--forceflush"]
        # They read what the guest lets through, or makes up.
        confined: _Confined = {"tree": Tree(writes=[(scratch, SCRATCH)]), "env": _ENVIRONMENT}
        with lab.popen(
            "server", argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **confined
        ) as server:
            _wait_listening(server)
            _use_cubic(lab, address)
            with (
                output.open("wb") as sink,
                lab.popen("client", _client(address, port, seconds), stdout=sink, **confined) as client,
            ):
                yield IperfRun(client, output, seconds)


def _client(address: str, port: int, seconds: int) -> list[str]:
    return [
        "iperf3", "-c", address, "-p", str(port), "-t", str(seconds), "-O", str(WARM_UP), "-J",
        "--connect-timeout", "10000",
    ]  # fmt: skip


def _use_cubic(lab: Lab, address: str) -> None:
    """Have the client use cubic if the host has it, so that a host's own choice does not show in the figures.

    By the route: iperf3 has no capabilities, and may not choose what the host restricts.
    """
    if "cubic" not in _ALGORITHMS.read_text().split():
        return
    router = topology.load().client.target
    family, gateway = ("-6", router.address6) if ":" in address else ("-4", router.address4)
    argv = ["ip", family, "route", "change", "default", "via", gateway, "congctl", "cubic"]
    done = lab.run("client", argv, privileged=True)
    if done.returncode:
        raise _failed("the client cannot use TCP's cubic", done.stderr.splitlines())


def _free_port(lab: Lab) -> int:
    with lab.socket("server", socket.AF_INET6, socket.SOCK_STREAM) as sock:
        sock.bind(("::", 0))
        return int(sock.getsockname()[1])


def _wait_listening(server: Process) -> None:
    assert server.stdout is not None
    seen = b""
    deadline = time.monotonic() + _LISTEN_TIME
    while b"Server listening" not in seen:
        readable, _, _ = select.select([server.stdout], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(server.stdout.fileno(), 65536) if readable else b""
        if not chunk or len(seen) > _LONGEST_GREETING:
            raise _failed("the iperf3 server does not listen", last_lines(seen))
        seen += chunk


def _failed(what: str, lines: list[str] | None = None) -> KitError:
    remedy = "see whether packets pass: ./inv demo shows both flows; the lab's log has the commands"
    return KitError("FQ-IPERF", what, remedy, lines=(lines or [])[-25:])
