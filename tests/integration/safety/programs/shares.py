# SPDX-License-Identifier: MIT
"""What one queue and one user may take: memory of rings and of waiting packets, and the sender's time."""

import contextlib
import errno
import os

import libc
from checks import eventually, holds, refused, same
from fastqueue import QueueError, RingOptions, abi
from fastqueue.device import Device
from lane import Flow, Handler, chain, conserved, enter
from limits import MEGABYTE, PACKETS, parameter, read, set_limit
from processes import start, wait

_USERNS_WRITABLE = "/sys/module/fastqueue/parameters/userns_writable"
QUEUED = chain("output", "udp dport 7000 queue num 0")


def default_limit() -> None:
    """Packets in all frames may hold a quarter of the memory, and 256 MiB at most."""
    with open("/proc/meminfo") as file:  # noqa: PTH123 start-up time
        total = int(next(file).split()[1]) << 10
    limit = read(PACKETS)
    holds(total / 5 < limit <= total / 3 or limit == 256 * MEGABYTE, f"{limit} of {total} bytes")


def waiting_packets() -> None:
    """Frames are left, but the memory for packets is not: the next packet finds the queue full."""
    with parameter(PACKETS, 2 * MEGABYTE):
        enter(QUEUED)
        flow, handler = Flow(filler=8000), Handler(frames=8192, frame_size=64)
        flow.send(400)
        found = handler.stats()
        holds(20 < found.occupied <= MEGABYTE // 8000, f"{found.occupied} packets of 8 KB in a megabyte")
        same(found.over_memory, 400 - found.occupied, "packets that found no memory")
        same((found.default_dropped, found.received), (found.over_memory, 400), "dropped, received")
        first = found.occupied
        handler.answer_all()
        same(len(flow.arrived()), first, "packets that arrived")
        flow.send(400)
        same(handler.stats().occupied, first, "packets in frames again")
        handler.answer_all()
        conserved(handler.stats())
        handler.close()


def several_queues() -> None:
    """All queues together stay below the limit; what one returns another may take."""
    with parameter(PACKETS, MEGABYTE):
        enter(chain("output", *(f"udp dport {7000 + number} queue num {number}" for number in range(4))))
        flows = [Flow(port=7000 + number, filler=8000) for number in range(4)]
        handlers = [Handler(number, frames=1024, frame_size=64) for number in range(4)]
        for flow in flows:
            flow.send(200)
        held = [handler.stats().occupied for handler in handlers]
        holds(20 < sum(held) <= MEGABYTE // 8000, f"{held} packets of 8 KB in a megabyte")
        for handler in handlers:
            handler.answer_all()
            handler.close()
        handler = Handler(3, frames=1024, frame_size=64)
        flows[3].send(200)
        holds(20 < handler.stats().occupied <= MEGABYTE // 16000, f"{handler.stats()}: half for one queue")
        handler.answer_all()
        handler.close()


def _alone() -> None:
    os.setgid(65534)
    os.setuid(65534)
    libc.set_dumpable()
    libc.unshare(libc.CLONE_NEWUSER | libc.CLONE_NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", "0 65534 1"), ("gid_map", "0 65534 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
            file.write(text)


def _let_users_change(allowed: bool) -> None:
    with open(_USERNS_WRITABLE, "w") as file:  # noqa: PTH123 start-up time
        file.write("1" if allowed else "0")


def _take_all(most: int) -> list[Device]:
    taken: list[Device] = []
    with contextlib.suppress(QueueError):
        while len(taken) < most:
            taken.append(Device(RingOptions(len(taken), 256, 1024)))
    return taken


def rings_of_a_user() -> None:
    """A user's namespaces, nested ones too, take a quarter of max_memory; others have the rest."""
    enter()
    set_limit(8 * MEGABYTE)

    def unprivileged() -> None:
        _alone()
        taken = _take_all(40)
        holds(4 <= len(taken) <= 8, f"{len(taken)} rings of 300 KB in two megabytes")
        libc.unshare(libc.CLONE_NEWUSER | libc.CLONE_NEWNET)
        same(_take_all(1), [], "rings of a nested namespace")
        os.write(taken_all, b"x")
        os.read(end, 1)

    ready, taken_all = os.pipe()
    end, finish = os.pipe()
    pid = start(unprivileged)
    os.close(taken_all)
    same(os.read(ready, 1), b"x", "the unprivileged user has all that it gets")
    own = _take_all(18)
    same(len(own), 18, "rings for the administrator")
    os.write(finish, b"x")
    same(wait(pid), 0, "the unprivileged user")
    for device in own:
        device.close()


def memory_of_closed_rings() -> None:
    """Rings that were just closed do not stand in the way of new ones."""
    enter()
    set_limit(MEGABYTE)
    for _ in range(20):
        device = Device(RingOptions(0, 512, 1024))
        refused(errno.ENOMEM, _device, 1, what="a second ring")
        device.close()


def _device(number: int) -> None:
    try:
        Device(RingOptions(number, 512, 1024))
    except QueueError as error:
        raise OSError(error.errno, "refused") from error


def rest() -> None:
    """Ticks that settle nothing become rarer the more frames they look at; answers bring them back."""
    enter(QUEUED)
    ticks = []
    for frames in (8, 8192):
        flow = Flow()
        handler = Handler(frames=frames, frame_size=64, unordered=True, period_us=50, timer_only=True)
        while handler.stats().received < frames:
            flow.send(8)
        before, settled = handler.stats().ticks, flow.outstanding()
        eventually(lambda before=before, handler=handler: handler.stats().ticks >= before + 20, "20 ticks")  # type: ignore[misc]
        ticks.append(handler.stats().ticks)
        holds(settled, "packets wait")
        handler.answer(range(handler.fp, handler.fa))
        eventually(lambda handler=handler: not handler.stats().occupied, "all answers sent")  # type: ignore[misc]
        same(handler.stats().accepted, frames, "accepted")
        handler.close()
        flow.close()
    holds(all(ticks), f"ticks: {ticks}")


def abi_version() -> None:
    """Programs of another version of the ABI are refused: what leaves after a change differs."""
    enter()
    same(abi.ABI_VERSION, 2, "version")


def changes_by_a_user() -> None:
    """A handler in a user namespace may change packets only if the administrator allows it."""

    def unprivileged() -> None:
        _alone()
        try:
            Device(RingOptions(0, 8, 256, writable=True))
        except QueueError as error:
            same(error.errno, errno.EPERM, "a ring to change packets in")
        else:
            raise AssertionError("an unprivileged user may change packets")
        Device(RingOptions(0, 8, 256)).close()
        os.write(asked, b"x")
        os.read(allowed, 1)
        Device(RingOptions(0, 8, 256, writable=True)).close()

    ready, asked = os.pipe()
    allowed, allow = os.pipe()
    pid = start(unprivileged)
    os.close(asked)
    os.read(ready, 1)
    _let_users_change(True)
    os.write(allow, b"x")
    same(wait(pid), 0, "the unprivileged user")
    _let_users_change(False)
