# SPDX-License-Identifier: MIT
"""What can be seen of a queue from outside: tracepoints, and its line in /proc/net/fastqueue."""

import os
import re
import subprocess

import libc
import processes
from checks import same
from fastqueue import abi
from lane import Flow, Handler, chain, enter, lines

_NUMBER = 77
_TRACING = "/sys/kernel/tracing"
_EVENT = re.compile(rf"(fastqueue_\w+): queue={_NUMBER} frame=(\d+) len=(\d+) verdict=(\d+)")


def _write(name: str, value: str) -> None:
    with open(f"{_TRACING}/{name}", "w") as file:  # noqa: PTH123 start-up time
        file.write(value)


def tracepoints() -> None:
    """A packet's way: queued, then answered, or settled by default; with frame, length and verdict."""
    if not os.access(f"{_TRACING}/events", os.F_OK):
        subprocess.run(["mount", "-t", "tracefs", "none", _TRACING], check=True)
    enter(chain("output", f"udp dport 7000 queue num {_NUMBER}"))
    flow, handler = Flow(), Handler(_NUMBER, default_action="accept")
    _write("events/fastqueue/filter", f"queue == {_NUMBER}")
    _write("events/fastqueue/enable", "1")
    flow.send(3)
    handler.put(0, abi.ANSWER_ACCEPT)
    handler.put(1, abi.ANSWER_DROP)
    handler.settle()
    handler.close()
    _write("events/fastqueue/enable", "0")
    with open(f"{_TRACING}/trace") as file:  # noqa: PTH123 start-up time
        found = [(event, *map(int, numbers)) for event, *numbers in _EVENT.findall(file.read())]
    queued = [("fastqueue_queued", frame, 32, 0) for frame in range(3)]
    settled = [("fastqueue_answered", 0, 32, 1), ("fastqueue_answered", 1, 32, 0)]
    same(found, [*queued, *settled, ("fastqueue_default", 2, 32, 1)], "events")
    same(flow.arrived(), [0, 2], "packets")


def proc_file() -> None:
    """Every counter of the line is the one of IOC_STATS, under its name in the heading."""
    enter(chain("output", f"udp dport 7000 queue num {_NUMBER}"))
    flow, handler = Flow(), Handler(_NUMBER, frames=8, copy_range=28, period_us=1_000_000, gso=True)
    flow.send(11)
    handler.answer(range(3))
    handler.put(3, abi.ANSWER_DROP)
    handler.settle()
    handler.put(4, abi.ANSWER_DROP, lap=0xABCDEF00)
    handler.settle()
    handler.put(5, abi.ANSWER_ACCEPT)
    with open("/proc/thread-self/net/fastqueue") as file:  # noqa: PTH123 start-up time
        heading = file.readline().split()
    line = dict(zip(heading, lines()[0], strict=True))
    found = handler.stats()
    for name, value in found._asdict().items():
        same(line[name], str(value), name)
    shown = {name: line[name] for name in ("queue", "owner", "frames", "frame_size", "processed", "period_us",
                                          "default_action", "flags")}  # fmt: skip
    wanted = {"queue": "77", "owner": str(os.getpid()), "frames": "8", "frame_size": "256", "processed": "1",
              "period_us": "1000000", "default_action": "drop", "flags": "0x4"}  # fmt: skip
    same(shown, wanted, "what else is shown")
    counted = (found.received, found.queued, found.accepted, found.dropped, found.default_dropped)
    same((*counted, found.invalid_words, found.truncated), (11, 8, 3, 1, 3, 1, 8), "counters")


def owner_in_a_pid_namespace() -> None:
    """Each reader finds the owner by the number that it knows it by; one from which it is hidden finds 0."""
    enter()
    outside = Handler(_NUMBER)
    libc.unshare(libc.CLONE_NEWPID)

    def first() -> None:
        inside = Handler(_NUMBER + 1)
        same(os.getpid(), 1, "the first process of the namespace")
        same([line[:2] for line in lines()], [[str(_NUMBER), "0"], [str(_NUMBER + 1), "1"]], "owners, inside")
        inside.close()

    same(processes.wait(processes.start(first)), 0, "the child's status")
    same([line[:2] for line in lines()], [[str(_NUMBER), str(os.getpid())]], "owners, outside")
    outside.close()
