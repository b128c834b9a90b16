# SPDX-License-Identifier: MIT
"""Adversaries that write whatever they like to wherever they may, while packets drain."""

import random
import select
import threading
import time
from collections.abc import Callable

from checks import eventually, holds, same
from fastqueue import Stats, abi
from lane import Flow, Handler, chain, conserved, enter
from processes import remap, start, wait

QUEUED = chain("output", "udp dport 7000 queue num 0")
SECONDS = 3.0
PATIENCE = 60.0  # on a machine that comes to few words in that time


def _writers(handler: Handler) -> list[Callable[[], None]]:
    """Return ways to write to the areas, one random place each."""
    ring = handler.device.ring
    answers, payload = ring.answers, ring.payload

    def word() -> None:
        ring.words[random.randrange(ring.frames)] = random.getrandbits(32)

    def near_word() -> None:
        """One that is right but for a few bits: most of these are believed."""
        count = handler.fp + random.randrange(ring.frames)
        wrong = 1 << random.randrange(32) if random.random() < 0.5 else 0
        handler.put(count, (abi.PROCESSED | random.getrandbits(6) << 2) ^ wrong)

    def fo() -> None:
        ring.control[random.randrange(16)] = random.choice((random.getrandbits(32), handler.fa))

    def answer() -> None:
        at = random.randrange(len(answers) // 4) * 4
        answers[at : at + 4] = random.choice((random.getrandbits(32), random.randrange(2000))).to_bytes(
            4, "big"
        )

    def bytes_of_payload() -> None:
        at = random.randrange(len(payload) - 64)
        payload[at : at + 64] = random.randbytes(64)

    return [word, near_word, fo, answer, *([bytes_of_payload] if ring.writable else [])]


def _storm(**options: bool) -> None:
    """Threads scribble while packets come; the books balance, and the queue works when they are gone."""
    enter(QUEUED)
    flow, handler = Flow(filler=60), Handler(frames=64, timeout_ms=20, period_us=200, **options)
    over = threading.Event()

    def scribble(write: Callable[[], None]) -> None:
        while not over.is_set():
            write()

    threads = [threading.Thread(target=scribble, args=(each,)) for each in _writers(handler)]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    while time.monotonic() < begin + SECONDS or (
        not _enough(handler.stats()) and time.monotonic() < begin + PATIENCE
    ):
        flow.send(random.randrange(1, 20))
        handler.device.poll(random.randrange(3))
        conserved(handler.device.stats())
        flow.contents()
    over.set()
    for thread in threads:
        thread.join()
    found = handler.stats()
    holds(_enough(found), f"wild words were seen, and some of them believed: {found}")
    _works_again(flow, handler)


def _enough(found: Stats) -> bool:
    return found.invalid_words > 10 and found.accepted + found.dropped > 3


def _works_again(flow: Flow, handler: Handler) -> None:
    while handler.stats().occupied:
        handler.answer_all(abi.ANSWER_DROP)
    flow.contents()
    handler.device.set(abi.SETTINGS.pack(abi.SET_TIMEOUT, 0, 0, 0, 0, 0, 0))  # a slow machine's packets too
    numbers = flow.send(30)
    handler.answer_all()
    same(flow.arrived(), list(numbers), "packets when all is well again")
    handler.close()
    eventually(lambda: not flow.outstanding(), "no packet is left")


def areas() -> None:
    """Words, answers and FO of an ordinary ring."""
    _storm()


def writable() -> None:
    """Payload too, which the kernel checks when it is told of a change."""
    _storm(writable=True)


def writable_unordered() -> None:
    """The same without order."""
    _storm(writable=True, unordered=True)


def timer_only() -> None:
    """In the paper's mode."""
    _storm(timer_only=True)


def processes() -> None:
    """Two processes that map the same ring and may be interrupted anywhere."""
    enter(QUEUED)
    flow, handler = Flow(filler=60), Handler(frames=64, timeout_ms=20, writable=True)

    def adversary() -> None:
        remap(handler.device)
        writers = _writers(handler)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            random.choice(writers)()

    pids = [start(adversary) for _ in range(2)]
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        flow.send(5)
        select.select([handler.device.fileno()], [], [], 0.001)
        conserved(handler.device.stats())
        flow.contents()
    same([wait(pid) for pid in pids], [0, 0], "adversaries")
    _works_again(flow, handler)


def every_word() -> None:
    """All 256 low bytes with the right lap: exactly those that say something settle the frame."""
    enter(QUEUED)
    flow, handler = Flow(), Handler(frames=8)
    good = {abi.DROP, abi.ACCEPT}
    for low in range(256):
        verdict, flags = low >> abi.VERDICT_SHIFT & 7, low & 0xE0
        if verdict in {abi.REPEAT, abi.QUEUE}:
            continue  # those have cases of their own
        flow.send()
        before = handler.stats()
        count = handler.fa - 1
        handler.put(count, low)
        handler.settle()
        after = handler.stats()
        says = low & abi.STATE_MASK == abi.PROCESSED and verdict in good and not flags & abi.WITH_PAYLOAD
        same(after.occupied, int(not says), f"frames out after word {low:#x}")
        refused = not says and low != abi.OCCUPIED
        same(after.invalid_words - before.invalid_words, int(refused), f"refusals of word {low:#x}")
        handler.answer_all(abi.ANSWER_DROP)
