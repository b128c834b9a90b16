# SPDX-License-Identifier: MIT
"""The ioctl WAIT: settles, sleeps, and ends for packets and for signals alone."""

import os
import signal
import time
from fcntl import ioctl

from checks import eventually, same
from fastqueue import abi
from lane import Flow, Handler, chain, enter
from processes import start, wait

QUEUED = chain("output", "udp dport 7000 queue num 0")


def _sleeps(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 start-up time
        return file.read().rpartition(")")[2].split()[0] == "S"


def _waiting(handler: Handler, *, caught: bool = False) -> int:
    """Start a child that waits once; ``caught``: and ends well only if a signal ends that."""

    def work() -> None:
        signal.signal(signal.SIGUSR1, lambda *_: None)
        try:
            ioctl(handler.device.fileno(), abi.IOC_WAIT)
        except InterruptedError:
            same(caught, True, "a signal was to end it")
        else:
            same(caught, False, "a packet was to end it")

    pid = start(work)
    eventually(lambda: _sleeps(pid), "it sleeps")
    return pid


def packets_wake() -> None:
    """A sleeper wakes for a packet; while frames are unseen nobody sleeps; answers are sent."""
    enter(QUEUED)
    flow, handler = Flow(), Handler()
    pid = _waiting(handler)
    flow.send(2)
    same(wait(pid), 0, "the waiting process")
    ioctl(handler.device.fileno(), abi.IOC_WAIT)
    handler.answer(range(2))
    ioctl(handler.device.fileno(), abi.IOC_WAIT)
    same(flow.arrived(), [0, 1], "packets")


def signals_wake() -> None:
    """One that is caught ends the sleep with EINTR; being stopped and continued does not."""
    enter(QUEUED)
    flow, handler = Flow(), Handler()
    pid = _waiting(handler, caught=True)
    os.kill(pid, signal.SIGUSR1)
    same(wait(pid), 0, "the one that a signal ended")
    pid = _waiting(handler)
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not _sleeps(pid), "it is stopped")
    os.kill(pid, signal.SIGCONT)
    eventually(lambda: _sleeps(pid), "it sleeps again")
    time.sleep(0.1)
    same(_sleeps(pid), True, "asleep")
    flow.send(1)
    same(wait(pid), 0, "the one that was stopped")
