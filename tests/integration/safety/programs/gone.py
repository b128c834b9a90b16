# SPDX-License-Identifier: MIT
"""What a queue depends on goes while packets are in its frames."""

import os
import signal
import socket
import subprocess
import time

import libc
from checks import eventually, holds, same
from fastqueue import abi
from lane import Flow, Handler, chain, conserved, enter, ip, lines, nft
from processes import remap, start, wait

QUEUED = chain("output", "udp dport 7000 queue num 0")


def _held(default_action: str = "drop") -> tuple[Flow, Handler]:
    """Ten packets, the first three answered, none settled."""
    flow, handler = Flow(), Handler(frames=16, period_us=1_000_000, default_action=default_action)
    flow.send(10)
    handler.answer(range(3))
    same(handler.stats().occupied, 10, "packets in frames")
    return flow, handler


def rules() -> None:
    """The table with the hook that packets would go on from: they are dropped, and none is left."""
    enter(QUEUED)
    flow, handler = _held(default_action="accept")
    nft("delete table inet toutput")
    found = handler.stats()
    same((found.flushed, found.occupied), (10, 0), "flushed")
    handler.answer_all()
    same((flow.arrived(), flow.outstanding()), ([], 0), "arrived, and bytes held")
    nft(QUEUED)
    numbers = flow.send(4)
    handler.answer_all()
    same(flow.arrived(), list(numbers), "packets by the new rules")


def interface() -> None:
    """A packet dies with the interface it came from or goes to; others stay."""
    enter(QUEUED)
    ip("link add d0 type dummy", "link set d0 up", "address add 10.9.0.1/24 dev d0",
       "neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev d0 nud permanent")  # fmt: skip
    flow, handler = _held()
    away = flow.to("10.9.0.2")
    for _ in range(5):
        away.send(b"away")
    same(handler.stats().occupied, 15, "packets in frames")
    ip("link set d0 down")
    found = handler.stats()
    same((found.flushed, found.occupied), (5, 10), "flushed")
    handler.answer_all()
    same(flow.arrived(), list(range(10)), "those of the loopback")
    ip("link set d0 up", "neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev d0 nud permanent")
    away.send(b"away")
    ip("link delete d0")
    same((handler.stats().flushed, handler.stats().occupied), (6, 0), "flushed with a deleted interface")


def rules_of_a_large_ring() -> None:
    """More packets than are dropped at once: none leaves, whatever the handler answers in the meantime."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=4096, period_us=1_000_000, default_action="accept")
    flow.send(3000)
    nft("delete table inet toutput")
    handler.answer_all()
    eventually(lambda: not handler.stats().occupied, "all have left their frames")
    same(handler.stats().flushed, 3000, "flushed")
    same((flow.arrived(), flow.outstanding()), ([], 0), "arrived, and bytes held")
    nft(QUEUED)
    numbers = flow.send(4)
    handler.answer_all()
    same(flow.arrived(), list(numbers), "packets by the new rules")


def tunnel() -> None:
    """A tunnel's packets enter the namespace of its link, and hold the device in the tunnel's own."""
    same(subprocess.run(["modprobe", "ipip"], check=False).returncode, 0, "modprobe ipip")
    enter(chain("output", "meta l4proto 4 queue num 0"))
    ip("link add d0 type dummy", "link set d0 up", "address add 10.9.0.1/24 dev d0",
       "neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev d0 nud permanent",
       "link add t0 type ipip local 10.9.0.1 remote 10.9.0.2")  # fmt: skip
    handler = Handler()

    def inside() -> None:
        libc.unshare(libc.CLONE_NEWNET)
        os.write(ready, b"x")
        os.read(go, 1)
        ip("link set t0 up", "address add 10.8.0.1/24 dev t0")
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("10.8.0.2", 7000))

    waits, ready = os.pipe()
    go, start_sending = os.pipe()
    pid = start(inside)
    os.read(waits, 1)
    ip(f"link set t0 netns {pid}")
    os.write(start_sending, b"x")
    same(wait(pid), 0, "the tunnel's namespace, which ends with its process")
    eventually(lambda: handler.stats().received, "a packet of the tunnel")
    eventually(lambda: not handler.stats().occupied, "its packet lets the device go")
    same((handler.stats().flushed, handler.stats().accepted), (1, 0), "flushed, accepted")
    handler.close()


def namespace() -> None:
    """All processes of a namespace leave it; the queue's descriptor alone keeps it until it is closed."""
    enter(QUEUED)
    flow, handler = _held()
    libc.unshare(libc.CLONE_NEWNET)
    same(lines(), [], "queues of the new namespace")
    handler.answer_all()
    same(flow.arrived(), list(range(10)), "packets in the old one")
    flow.send(5)
    same(handler.stats().occupied, 5, "packets in frames")
    handler.close()
    same(flow.outstanding(), 0, "bytes held")
    del flow


def namespace_deleted() -> None:
    """`ip netns delete` with packets queued and the handler killed after that."""
    subprocess.run(["ip", "netns", "add", "fqgone"], check=True)
    try:

        def work() -> None:
            with open("/run/netns/fqgone") as file:  # noqa: PTH123 start-up time
                libc.setns(file.fileno(), libc.CLONE_NEWNET)
            ip("link set lo up")
            nft(QUEUED)
            held = _held()
            holds(held, "held")
            with open("/run/fqgone.ready", "w"):  # noqa: PTH123
                pass
            signal.pause()

        pid = start(work)
        eventually(lambda: os.access("/run/fqgone.ready", os.F_OK), "the handler is ready")
    finally:
        subprocess.run(["ip", "netns", "delete", "fqgone"], check=True)
    time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    same(wait(pid), -9, "handler")
    os.unlink("/run/fqgone.ready")  # noqa: PTH108


def killed() -> None:
    """What was answered leaves, the rest gets the default action; another handler takes over at once."""
    enter(QUEUED)
    for action, passing in (("drop", 3), ("accept", 10)):
        flow = Flow()
        parent, own = os.pipe()

        def work(action: str = action, flow: Flow = flow, own: int = own) -> None:
            handler = Handler(frames=16, period_us=1_000_000, default_action=action)
            flow.send(10)
            handler.answer(range(3))
            conserved(handler.stats())
            os.write(own, b"x")
            signal.pause()

        pid = start(work)
        os.read(parent, 1)
        same(flow.arrived(), [], "before it dies")
        os.kill(pid, signal.SIGKILL)
        same(wait(pid), -9, "handler")
        same(flow.arrived(), list(range(passing)), f"default {action}")
        same(flow.outstanding(), 0, "bytes held")
        flow.close()
    flow, handler = Flow(), Handler()
    flow.send()
    handler.answer_all()
    same(flow.arrived(), [0], "the next handler's packet")


def stopped() -> None:
    """SIGSTOP: packets wait in frames, then get the default action; SIGCONT: it works on."""
    enter(QUEUED)
    flow = Flow()

    def work() -> None:
        handler = Handler(frames=8, default_action="drop")
        ring = handler.device.ring
        while True:
            handler.device.poll()
            seen = handler.fa  # once: with two processors more frames may come meanwhile
            handler.answer(range(handler.fp, seen))
            ring.control[0] = seen

    pid = start(work)
    eventually(lines, "the queue is there")

    def occupied() -> int:
        return int(lines()[0][4])

    flow.send(5)
    eventually(lambda: not occupied(), "answered")
    os.kill(pid, signal.SIGSTOP)
    numbers = flow.send(12)
    same((occupied(), lines()[0][13]), (8, "4"), "in frames, and dropped by default")
    same(flow.arrived(), list(range(5)), "before")
    os.kill(pid, signal.SIGCONT)
    eventually(lambda: not occupied(), "answered")
    same(flow.arrived(), list(numbers)[:8], "after")
    os.kill(pid, signal.SIGKILL)
    wait(pid)


def inherited() -> None:
    """A child that holds the descriptor keeps the queue; with it the queue goes. So with dup()."""
    enter(QUEUED)
    flow, handler = _held(default_action="accept")
    pid = start(signal.pause)
    twin = os.dup(handler.device.fileno())
    handler.close()
    os.close(twin)
    same((flow.arrived(), len(lines())), ([], 1), "packets and queues while the child holds it")
    os.kill(pid, signal.SIGKILL)
    wait(pid)
    same((flow.arrived(), len(lines())), (list(range(10)), 0), "packets and queues")


def child_at_work() -> None:
    """A child that maps the ring itself takes over from its parent."""
    enter(QUEUED)
    flow, handler = _held()

    def work() -> None:
        remap(handler.device)
        handler.answer_all()

    same(wait(start(work)), 0, "child")
    same(flow.arrived(), list(range(10)), "packets")
    same(handler.stats().accepted, 10, "accepted")


def module() -> None:
    """Refused while a queue is open, with packets in it or without; nobody notices."""
    enter(QUEUED)
    flow, handler = _held()
    refusal = subprocess.run(["rmmod", "fastqueue"], capture_output=True, text=True, check=False)
    holds(refusal.returncode, "rmmod is refused")
    same(os.access("/dev/fastqueue", os.F_OK), True, "device")
    handler.answer_all()
    same(flow.arrived(), list(range(10)), "packets")
    same(handler.word(0) & abi.STATE_MASK, abi.AVAILABLE, "state")


def never_opened() -> None:
    """Descriptors without a ring, alive and closed, with all that may be asked of them."""
    enter(QUEUED)
    for _ in range(50):
        os.close(os.open(abi.DEVICE, os.O_RDWR))
    same(lines(), [], "queues")
