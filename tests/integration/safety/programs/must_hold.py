# SPDX-License-Identifier: MIT
"""What must hold, point by point: trust, late verdicts, words, sleep, order, conservation, leaks."""

import os
import random
import select
import time

from checks import eventually, holds, same
from fastqueue import abi
from lane import Flow, Handler, chain, conserved, enter
from processes import start, wait

ACCEPT, DROP = abi.ANSWER_ACCEPT, abi.ANSWER_DROP
QUEUED = chain("output", "udp dport 7000 queue num 0")
TIMED_OUT = 0.2  # s: past every limit used here


def trust() -> None:
    """A bad neighbour: every word a wild one, fo too. Only its own packets suffer; each at most once."""
    enter(chain("output", "udp dport 7000 queue num 0; udp dport 7001 queue num 1"))
    bad_flow, good_flow = Flow(), Flow(port=7001)
    bad, good = Handler(0), Handler(1, frames=64)
    area = bad.device.ring
    for _ in range(400):
        bad_flow.send()
        good_flow.send()
        for _ in range(4):
            area.words[random.randrange(8)] = random.getrandbits(32)
            area.control[random.randrange(16)] = random.getrandbits(32)
            wild = [random.getrandbits(bits) for bits in (32, 32, 32, 16)]
            bad.fields(random.randrange(8), *wild, flags=random.getrandbits(16))
        bad.device.poll(0)
        good.answer_all()
        conserved(bad.device.stats())
    same(good_flow.arrived(), list(range(400)), "packets of the neighbour")
    same((good.stats().accepted, good.stats().invalid_words), (400, 0), "neighbour's counters")
    arrived = bad_flow.arrived()
    same(arrived, sorted(set(arrived)), "own packets, each once, in order")
    holds(bad.stats().invalid_words > 100, f"wild words were seen: {bad.stats()}")
    area.control[0] = bad.fa
    bad.answer_all()
    bad_flow.arrived()
    number = bad_flow.send(3)
    bad.answer_all()
    same(bad_flow.arrived(), list(number), "packets once it behaves")


def late_verdicts() -> None:
    """Frames time out; each late word, before and after the slot has another packet, decides nothing."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(timeout_ms=20)
    flow.send(8)
    eventually(lambda: handler.stats().timed_out == 8, "all 8 timed out")
    handler.answer(range(8))
    handler.settle()
    same((handler.stats().accepted, flow.arrived()), (0, []), "answers to empty slots")
    handler.device.set(abi.SETTINGS.pack(abi.SET_TIMEOUT, 0, 0, 0, 0, 0, 0))
    flow.send(8)
    handler.answer(range(8))  # the slots of 8 to 15, a lap too early
    for count in range(8, 16):
        handler.settle()
        found = handler.stats()
        same((found.accepted, found.invalid_words), (count - 8, count - 7), "answers of the lap before")
        same(flow.arrived(), list(range(8, count))[-1:], "packets answered in their own lap")
        same(handler.word(count), abi.OCCUPIED | 1 << abi.LAP_SHIFT, "word put back")
        handler.put(count, ACCEPT)
    handler.settle()
    same(flow.arrived(), [15], "the last")


def words() -> None:
    """2048 frames answered by one slice assignment and settled at once; other areas are read-only."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=2048)
    ring = handler.device.ring
    flow.send(2048)
    same(list(ring.words[0:2048]), [abi.OCCUPIED] * 2048, "words side by side")
    same((ring.meta.readonly, ring.payload.readonly), (True, True), "meta and payload are read-only")
    before = handler.stats().ticks
    ring.words[0:2048] = memoryview(ACCEPT.to_bytes(4, "little") * 2048).cast("I")
    handler.settle()
    # with two processors a tick of the timer may be at it, and see to the request when it is through
    eventually(lambda: not handler.stats().occupied, "settled by one request")
    found = handler.stats()
    same(found.accepted, 2048, "accepted")
    holds(found.ticks - before < 64, "without the timer's help")
    same(flow.arrived(), list(range(2048)), "packets")


def sleep() -> None:
    """Woken once, and only when it sleeps; what is answered leaves as it goes to sleep."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=64, period_us=1_000_000)
    ring = handler.device.ring
    epoll = select.epoll()
    epoll.register(handler.device.fileno(), select.EPOLLIN)
    same(epoll.poll(0), [], "nothing to see")
    flow.send(10)
    same(handler.stats().wakeups, 1, "wake-ups for 10 packets")
    same(len(epoll.poll(0)), 1, "readable")
    flow.send(10)
    same(handler.stats().wakeups, 1, "wake-ups of one that is awake")
    handler.answer(range(20))
    ring.control[0] = handler.fa
    same(handler.stats().occupied, 20, "frames before it goes to sleep")
    same(handler.device.poll(0), [], "nothing new")
    same((handler.stats().occupied, len(flow.arrived())), (0, 20), "frames after")
    same(handler.stats().ticks, 0, "timer")
    same(epoll.poll(0), [], "nothing new")
    flow.send(1)
    same(handler.stats().wakeups, 2, "wake-ups, once it sleeps again")


def timer_only() -> None:
    """The paper's mode: neither poll nor a packet settles anything, the timer does."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(timer_only=True, period_us=200_000)
    flow.send(5)
    handler.answer(range(5))
    handler.device.poll(0)
    same((handler.stats().occupied, handler.stats().ticks), (5, 0), "before the timer")
    eventually(lambda: handler.stats().accepted == 5, "the timer settles")
    same((handler.stats().ticks, flow.arrived()), (1, [0, 1, 2, 3, 4]), "one tick")


def order() -> None:
    """Answered in reverse they leave in order; one that is never answered is settled in time."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=64)
    flow.send(40)
    for count in reversed(range(1, 40)):
        handler.put(count, ACCEPT)
        handler.settle()
        same(flow.arrived(), [], "overtakers")
    handler.put(0, ACCEPT)
    handler.settle()
    same(flow.arrived(), list(range(40)), "order")
    _lost_verdict(flow, handler, abi.ACCEPT, [40, 41, 42])
    _lost_verdict(flow, handler, abi.DROP, [45, 46])


def _lost_verdict(flow: Flow, handler: Handler, action: int, arrive: list[int]) -> None:
    """The first of three has no answer, the time limit finds it; then one that is in time."""
    fields = abi.SET_DEFAULT_ACTION | abi.SET_TIMEOUT
    handler.device.set(abi.SETTINGS.pack(fields, action, 0, 50, 0, 0, 0))
    before = handler.stats().timed_out
    first = handler.fa
    flow.send(3)
    handler.answer(range(first + 1, first + 3))
    handler.settle()
    same(flow.arrived(), [], "before the limit")
    eventually(lambda: not handler.stats().occupied, "settled by the limit")
    same(handler.stats().timed_out, before + 1, "timed out")
    same(flow.arrived(), arrive, "packets")
    flow.send()
    handler.answer_all(DROP)


def unordered() -> None:
    """As they are answered, however many wait behind one that is not."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=512, unordered=True)
    flow.send(500)
    late = {0, 130, 131, 300}
    handler.answer(count for count in range(500) if count not in late)
    handler.settle()
    _arrive(flow, [number for number in range(500) if number not in late])
    same((handler.stats().occupied, handler.fp), (4, 0), "the late ones")
    handler.put(300, ACCEPT)
    handler.settle()
    _arrive(flow, [300])
    handler.answer(late - {300})
    handler.settle()
    _arrive(flow, [0, 130, 131])
    same(handler.fp, 500, "FP")


def _arrive(flow: Flow, numbers: list[int]) -> None:
    """Just these come. On two processors the timer may be sending, and goes on after a kick has come back."""
    seen: list[int] = []

    def all_here() -> bool:
        seen.extend(flow.arrived())
        return len(seen) >= len(numbers)

    eventually(all_here, f"{len(numbers)} packets")
    same(sorted(seen), numbers, "packets")


def conservation() -> None:
    """Whatever happens in whatever order: the books balance after every step."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=16)
    passed = 0
    for _ in range(600):
        choice = random.randrange(8)
        if choice < 3:
            flow.send(random.randrange(1, 12))
        elif choice < 6:
            for count in range(handler.fp, handler.fa):
                if random.random() < 0.8:
                    handler.put(count, random.choice((ACCEPT, DROP, _nonsense())))
            handler.settle()
        elif choice == 6:
            action = random.choice((abi.ACCEPT, abi.DROP))
            fields = abi.SET_DEFAULT_ACTION | abi.SET_TIMEOUT
            handler.device.set(abi.SETTINGS.pack(fields, action, 0, random.choice((0, 4)), 0, 0, 0))
        else:
            os.sched_yield() if random.random() < 0.9 else time.sleep(0.01)
        passed += len(flow.arrived())
        found = handler.stats()
        same(found.received, flow.sent, "received")
        ends = found.accepted + found.default_accepted
        holds(passed <= ends + found.flushed, f"more arrived ({passed}) than left: {found}")
    same(flow.outstanding() > 0, handler.stats().occupied > 0, "bytes held only for packets in frames")
    handler.close()
    eventually(lambda: not flow.outstanding(), "no packet is left")


def _nonsense() -> int:
    """Return the low byte of a word with a verdict that there is not."""
    return random.getrandbits(8) & ~abi.VERDICT_MASK | random.choice((2, 5, 6, 7)) << abi.VERDICT_SHIFT


def leaks() -> None:
    """Rings with packets in them, ended by close, exit or kill: memory and packets come back."""
    enter(QUEUED)
    flow = Flow()

    def cycle() -> None:
        handler = Handler(frames=1024, frame_size=2048)
        flow.send(50)
        handler.answer(range(20))
        if random.random() < 0.3:
            os.kill(os.getpid(), 9)
        elif random.random() < 0.5:
            handler.close()

    def cycles(number: int) -> int:
        for _ in range(number):
            wait(start(cycle))
        eventually(lambda: not flow.outstanding(), "no packet is left")
        return _free()

    before = cycles(20)  # the kernel's own caches fill up meanwhile
    lost = before - cycles(20)
    holds(lost < 3000, f"20 rings of 2 MB took {lost} kB for good")


def _free() -> int:
    with open("/proc/meminfo") as file:  # noqa: PTH123 start-up time
        return int(next(line for line in file if line.startswith("MemAvailable")).split()[1])
