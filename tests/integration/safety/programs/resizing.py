# SPDX-License-Identifier: MIT
"""Ring, period and default action change under traffic, and no packet is lost."""

import random
import select
import time

from checks import eventually, holds, same
from fastqueue import Queue, RingOptions, abi
from lane import Flow, Handler, chain, enter
from processes import start, wait

QUEUED = chain("output", "udp dport 7000 queue num 0")


def under_traffic() -> None:
    """Many sizes, larger and smaller, with answered and unanswered frames in the ring."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=256)
    arrived: list[int] = []
    for _ in range(60):
        flow.send(random.randrange(1, 30))
        for count in range(handler.fp, handler.fa):
            if random.random() < 0.9 or handler.stats().occupied > 90:
                handler.put(count, abi.ANSWER_ACCEPT)
        if random.random() < 0.5:
            handler.settle()
        before = handler.stats()
        handler.resize(random.choice((128, 256, 1024)), random.choice((64, 256, 2048)))
        after = handler.stats()
        same((after.received, after.default_dropped), (before.received, 0), "lost while resizing")
        same((handler.fp, handler.fa), (0, after.occupied), "FP and FA of the new ring")
        same(
            [handler.word(count) for count in range(handler.fa)],
            [abi.OCCUPIED] * handler.fa,
            "unanswered again",
        )
        arrived += flow.arrived()
    handler.answer_all()
    same(arrived + flow.arrived(), list(range(flow.sent)), "packets")


def too_small() -> None:
    """More packets out than the new ring holds: EBUSY, and the old one works on."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=32)
    flow.send(20)
    try:
        handler.resize(16)
    except Exception as error:
        holds("more packets are out" in str(error), str(error))
    else:
        raise AssertionError("a ring of 16 for 20 packets")
    same(handler.stats().occupied, 20, "packets in frames")
    handler.answer_all()
    handler.resize(16)
    same(flow.arrived(), list(range(20)), "packets")


def sleepers_wake() -> None:
    """Who sleeps in epoll is told of the packets that moved to the new ring."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=16)
    epoll = select.epoll()
    epoll.register(handler.device.fileno(), select.EPOLLIN)
    flow.send(3)
    same(len(epoll.poll(0)), 1, "readable")
    handler.device.ring.control[0] = handler.fa
    same(epoll.poll(0), [], "all were seen")
    handler.resize(32)
    same(len(epoll.poll(0)), 1, "readable again")
    handler.answer_all()
    same(flow.arrived(), [0, 1, 2], "packets")


def while_others_send() -> None:
    """Another process sends all the time; ring, period and action change, and all arrives in order."""
    enter(QUEUED)
    receiver = Flow()
    packets = 3000

    def send() -> None:
        flow = Flow(port=7001)
        sender = flow.to("127.0.0.1")
        for number in range(packets):
            sender.send(number.to_bytes(4, "big"))
            if number % 8 == 7:
                time.sleep(0.002)  # the ring must never be full

    arrived: list[int] = []
    with Queue(RingOptions(0, 1024, 64, timeout_ms=0)) as queue:
        pid = start(send)
        until, turn = time.monotonic() + 80, 0
        while len(arrived) < packets and time.monotonic() < until:
            batch = queue.wait(0.2)
            batch.accept_all()
            turn += 1
            if turn % 5 == 0:
                queue.resize(frames=random.choice((512, 1024, 2048)), frame_size=random.choice((64, 128)))
            queue.set(period_us=random.randrange(50, 5000), default_action=random.choice(("accept", "drop")))
            arrived += receiver.arrived()
        found = queue.stats()
    same(wait(pid), 0, "sender")
    same((found.default_accepted, found.default_dropped), (0, 0), "packets that found no room")
    same((found.received, found.accepted), (packets, packets), "received, accepted")
    same(arrived, list(range(packets)), "packets")
    holds(turn >= 10, f"{turn} turns")


def settings_under_traffic() -> None:
    """SET many times: nothing is lost, and each takes effect."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=64)
    arrived: list[int] = []
    for turn in range(200):
        flow.send(3)
        action, period = turn % 2, random.randrange(50, 5000)
        handler.device.set(abi.SETTINGS.pack(abi.SET_ALL, action, period, 10_000, 28 + turn % 100, 0, 0))
        handler.answer_all()
        arrived += flow.arrived()
    same(arrived, list(range(600)), "packets")
    handler.device.set(abi.SETTINGS.pack(abi.SET_ALL, abi.ACCEPT, 50, 0, 64, 0, 0))
    flow.send(70)
    same(flow.arrived(), list(range(664, 670)), "beyond a full ring, accepted")
    handler.device.set(abi.SETTINGS.pack(abi.SET_DEFAULT_ACTION, abi.DROP, 0, 0, 0, 0, 0))
    flow.send(2)
    same((flow.arrived(), handler.stats().default_dropped), ([], 2), "beyond a full ring, dropped")


def timer_takes_it() -> None:
    """For a handler that neither polls nor kicks: soon with many frames out, later with few."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=64, period_us=5000)
    for number in (1, 40):
        flow.send(number)
        handler.answer(range(handler.fp, handler.fa))
        eventually(lambda: not handler.stats().occupied, "settled by the timer")
    same(flow.arrived(), list(range(41)), "packets")
