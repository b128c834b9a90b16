# SPDX-License-Identifier: MIT
"""Connections through Suricata at 10,000 a minute, one in twenty covered by a drop rule; nothing leaks.

FASTQUEUE_STORM: seconds (default 30; 600 is the whole of it) that make the number of connections. A target
that is slower takes longer for them; what it reached is printed (``-rA``).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import footprint
import pytest
from connections import COVERED
from footprint import Footprint
from numbered import eventually

from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.lab.process import Process
from devkit.suricata import engine
from devkit.suricata.engine import Engine
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.qemu import Target
from devkit.target.queue_counters import Counters

SECONDS = int(os.environ.get("FASTQUEUE_STORM", "30"))
RATE = 10_000 / 60
_NUMBER = round(SECONDS * RATE)
_PROGRAM = Path(__file__).with_name("connections.py")
_PORT = "80"
_SAMPLE = 3.0  # seconds between two
#: Seconds that Suricata and connection tracking keep a connection that is over, so that the number that
#: they know is the same from the middle of the short test on.
_KEPT = 10
_FLOWS = tuple(f"flow-timeouts.tcp.{state}={_KEPT}" for state in ("new", "established", "closed"))
_TRACKING = ("established", "fin_wait", "last_ack", "time_wait", "close", "unacknowledged")
#: Seconds until the kernel has come round to all connections whose time is over.
_COLLECTED = 180.0
#: kB that the memory may be larger at the end than in the middle. Suricata has about 3 kB for a connection,
#: and keeps the memory for as many as it once knew at a time; in a long run those may be more later.
_ROOM = 4096 + SECONDS * 8


@contextmanager
def _tracked(target: Target) -> Iterator[None]:
    """Have connection tracking forget soon, and know as many connections as there may be."""
    folder = "/proc/sys/net/netfilter"
    names = ["nf_conntrack_max", *(f"nf_conntrack_tcp_timeout_{state}" for state in _TRACKING)]
    usual = target.run(["cat", *(f"{folder}/{name}" for name in names)]).output.split()
    for name, value in zip(names, (65536, *(_KEPT for _ in _TRACKING)), strict=True):
        target.run(f"echo {value} >{folder}/{name}")
    try:
        yield
    finally:
        for name, before in zip(names, usual, strict=True):
            target.run(f"echo {before} >{folder}/{name}")


@contextmanager
def _program(lab: Lab, side: str, *words: str) -> Iterator[Process]:
    address = topology.load().server.endpoint.address4
    argv: list[str | Path] = [sys.executable, _PROGRAM, words[0], address, _PORT, *words[1:]]
    with lab.popen(side, argv, stdout=subprocess.PIPE) as process:
        yield process


def _report(process: Process) -> dict[str, float]:
    """Wait for its end and return what it says."""
    assert process.stdout
    text = process.stdout.read().decode()
    assert process.wait(30) == 0
    report: dict[str, float] = json.loads(text)
    return report


def _sampled(target: Target, suricata: Engine, asking: Process) -> list[tuple[Footprint, Counters]]:
    """Look at memory and counters every now and then, until all connections have been made."""
    samples = []
    while asking.poll() is None:
        time.sleep(_SAMPLE)
        suricata.forget()  # dropped packets fill a file in memory
        found = queue_counters.read(target)[0]
        found.check()
        samples.append((footprint.measure(target, suricata.program.pid), found))
        print(found.received, "packets,", samples[-1][0], flush=True)
    return samples


def _tracks(target: Target, suricata: Engine) -> int:
    return footprint.measure(target, suricata.program.pid).tracked


@pytest.mark.timeout(SECONDS * 5 + 600)
def test_ten_thousand_connections_a_minute(ids_target: Target, ids_lab: Lab) -> None:
    target = ids_target
    with (
        kernel_modules.loaded_during(target, kernel_modules.FASTQUEUE),
        _tracked(target),
        engine.running(target, kernel_modules.FASTQUEUE, _FLOWS) as suricata,
        nftables.rules_installed(target, "ct state new counter", nftables.queue_all()),
        _program(ids_lab, "server", "serve") as serving,
    ):
        assert serving.stdout
        assert serving.stdout.readline() == b"ready\n"
        with _program(ids_lab, "client", "ask", str(_NUMBER), str(RATE)) as asking:
            samples = _sampled(target, suricata, asking)
            asked = _report(asking)
        most = max(memory.tracked for memory, _ in samples)
        eventually(lambda: _tracks(target, suricata) < 10, "nothing is tracked", _COLLECTED)
        found = queue_counters.wait(target, lambda now: not now.occupied)
        serving.send_signal(signal.SIGTERM)
        served = _report(serving)
    print(asked, served, found, sep="\n")
    covered = _NUMBER // COVERED
    seconds = asked.pop("seconds")
    assert asked == {"harmless answered": _NUMBER - covered, "covered unanswered": covered}
    print(f"{_NUMBER} connections in {seconds:.0f} s: {_NUMBER / seconds * 60:.0f} a minute")
    assert served == {"harmless": _NUMBER - covered, "covered": 0, "silent": covered}
    assert found.dropped >= covered
    assert (found.flushed, found.by_default, found.invalid_words) == (0, 0, 0)
    assert most > 50, "connection tracking was not at work"
    middle, end = samples[len(samples) // 2][0], samples[-1][0]
    assert end.suricata - middle.suricata < _ROOM, (middle, end)
    assert end.slab - middle.slab < _ROOM, (middle, end)
