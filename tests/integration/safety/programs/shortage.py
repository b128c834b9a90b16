# SPDX-License-Identifier: MIT
"""Memory that is not there: by limits on every kernel, by injected faults on debug kernels."""

import contextlib
import os
import random
import resource
import subprocess
from collections.abc import Callable

from checks import eventually, holds, same
from fastqueue import QueueError, RingOptions, abi
from fastqueue.device import Device
from lane import Flow, Handler, chain, conserved, enter, ip, lines
from limits import set_limit
from processes import start, wait

QUEUED = chain("output", "udp dport 7000 queue num 0")
_DEBUG = "/sys/kernel/debug"


def changing_limit() -> None:
    """Queues are made, resized and freed with packets in them while the limit changes all the time."""
    enter(QUEUED)
    flow = Flow()
    handler: Handler | None = None
    refusals = made = resized = 0
    for _ in range(400):
        set_limit(random.choice((0, 8192, 40_000, 100_000, 300_000, 1 << 20)))
        if handler is None:
            with contextlib.suppress(QueueError):
                handler = Handler(frames=random.choice((8, 64, 256)), frame_size=random.choice((64, 1024)))
                made += 1
            refusals += handler is None
            continue
        flow.send(random.randrange(1, 8))
        handler.answer(range(handler.fp, handler.fa - random.randrange(0, 3)))
        handler.settle()
        conserved(handler.stats())
        try:
            handler.resize(random.choice((16, 64, 512)), random.choice((64, 2048)))
            resized += 1
        except QueueError:
            refusals += 1
        conserved(handler.stats())
        if random.random() < 0.1:
            handler.close()
            handler = None
    if handler:
        handler.close()
    holds(refusals > 30 and made > 5 and resized > 5, f"{refusals} refusals, {made} made, {resized} resized")
    _nothing_left(flow)
    set_limit(100_000)
    Handler(frames=64, frame_size=1024).close()


def address_space() -> None:
    """A process whose address space ends before all areas are mapped: told, and nothing stays behind."""
    enter(QUEUED)
    flow = Flow()
    ends = []
    for room in range(0, 12 << 20, 512 << 10):

        def work(room: int = room) -> None:
            with open("/proc/self/statm") as file:  # noqa: PTH123 start-up time
                used = int(file.read().split()[0]) * 4096
            resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))
            try:
                device = Device(RingOptions(0, 2048, 2048, timeout_ms=0))
            except (QueueError, MemoryError):
                os._exit(3)
            flow.send(3)
            same(device.stats().occupied, 3, "packets in frames")

        ends.append(wait(start(work)))
        same(lines(), [], f"queues after a process with room for {room} bytes")
    same({*ends}, {0, 3}, "processes that got a ring, and that did not")
    _nothing_left(flow)


def _nothing_left(flow: Flow) -> None:
    eventually(lambda: not flow.outstanding(), "no packet is left")
    same(lines(), [], "queues")


class _Faults:
    """The kernel's fault injection: the n-th allocation of this thread fails."""

    def __init__(self) -> None:
        if not os.access(f"{_DEBUG}/failslab", os.F_OK):
            subprocess.run(["mount", "-t", "debugfs", "none", _DEBUG], check=True)
        for name, value in (("ignore-gfp-wait", "N"), ("verbose", "0")):
            with open(f"{_DEBUG}/failslab/{name}", "w") as file:  # noqa: PTH123 start-up time
                file.write(value)
        self.injected = 0
        self._fd = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def each(self, work: Callable[[], object], most: int = 60) -> None:
        """Do ``work`` with its first allocation failing, then its second, and so on until none is left."""
        for number in range(1, most):
            os.pwrite(self._fd, b"%d" % number, 0)
            try:
                with contextlib.suppress(QueueError, OSError, MemoryError):
                    work()
            finally:
                left = int(os.pread(self._fd, 16, 0).split(b"\0")[0])
                os.pwrite(self._fd, b"0", 0)
            if left:
                return
            self.injected += 1


def injected() -> None:
    """Each allocation of each step fails once: from opening over packets of all kinds to closing."""
    enter(QUEUED, chain("output", "tcp dport 7000 queue num 0", name="tcp"))
    ip("link set lo mtu 1500")
    flow, faults = Flow(filler=600), _Faults()

    def opened() -> None:
        Device(RingOptions(0, 64, 256, timeout_ms=0)).close()

    faults.each(opened)
    same(lines(), [], "queues")
    met = faults.injected
    holds(met > 3, f"{met} faults in making a ring")
    handler = Handler(frames=64, frame_size=2048, writable=True)

    def checked(work: Callable[[], object]) -> None:
        nonlocal handler
        faults.each(work)
        try:
            conserved(handler.stats())
        except QueueError:  # neither ring could be mapped: closed, as resize() says
            handler = Handler(frames=64, frame_size=2048, writable=True)

    for _ in range(3):
        checked(flow.send)
        checked(lambda: flow.sender.sendmsg([bytes(4000)], [(17, 103, (1000).to_bytes(2, "little"))]))
        checked(lambda: handler.resize(random.choice((64, 128)), 2048))
        checked(lambda: _longer(handler))
        checked(handler.settle)
        checked(handler.answer_all)
    streams = []
    checked(lambda: streams.append(flow.stream()))
    handler.answer_all()
    holds(faults.injected > met + 20, f"{faults.injected} faults in all")
    print(f"{faults.injected} faults, {handler.stats()}")
    faults.each(handler.device.close)
    handler.close()
    for stream in streams:
        stream.close()
    flow.contents()
    _nothing_left(flow)


def _longer(handler: Handler) -> None:
    """Have the first frame changed to a longer packet, for which the kernel needs another buffer."""
    if handler.fp != handler.fa:
        count = handler.fp
        payload = handler.payload(count)
        payload[:32] = bytes(payload[:32])
        payload.release()
        handler.fields(count, length=1900, flags=abi.A_ALL)
        handler.put(count, abi.ANSWER_ACCEPT | abi.WITH_PAYLOAD)
        handler.settle()
