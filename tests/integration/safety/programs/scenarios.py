# SPDX-License-Identifier: MIT
"""Scenarios of the kernel's nft_queue selftest; more in sctp, vrf, tracked, local_tcp, paths, verdicts."""

import os
import signal
import subprocess

from checks import eventually, holds, same
from fastqueue import abi
from lane import Flow, Handler, chain, conserved, enter
from nets import Datagrams, Hosts, expect
from processes import start, wait


def no_listener() -> None:
    """Dropped; with bypass it passes; so it is again when a handler came and went."""
    enter(chain("output", "udp dport 7000 queue num 0; udp dport 7001 queue num 1 bypass"))
    strict, lenient = Flow(), Flow(port=7001)
    for _ in range(2):
        strict.send(3)
        numbers = lenient.send(3)
        same((strict.arrived(), lenient.arrived()), ([], list(numbers)), "without a handler")
        handler = Handler(1)
        lenient.send()
        handler.answer_all(abi.ANSWER_DROP)
        same(lenient.arrived(), [], "with a handler")
        handler.close()


def forward_and_loopback() -> None:
    """Through three queues one after the other: prerouting, forward, postrouting."""
    hooks = ("prerouting", "forward", "postrouting")
    hosts = Hosts(*(chain(hook, f"udp dport 7000 queue num {number}") for number, hook in enumerate(hooks)))
    handlers = [Handler(number, frames=64) for number in range(3)]
    flow = Datagrams(hosts)
    flow.send(20)
    for handler in handlers:
        same(handler.stats().occupied, 20, "packets in this queue")
        handler.answer_all()
    expect(flow, list(range(20)), "through three queues")


def requeued() -> None:
    """From queue to queue, round and round; then out."""
    enter(chain("output", "udp dport 7000 queue num 0"))
    flow, handlers = Flow(), [Handler(number, frames=16) for number in range(3)]
    flow.send(10)
    for turn in range(9):
        handler = handlers[turn % 3]
        for count in range(handler.fp, handler.fa):
            handler.fields(count, queue=(turn + 1) % 3)
        handler.answer_all(abi.ANSWER_QUEUE)
    same([handler.stats().occupied for handler in handlers], [10, 0, 0], "after three rounds")
    handlers[0].answer_all()
    same(flow.arrived(), list(range(10)), "packets")


def exit_with_packets_queued() -> None:
    """A program ends with packets in its ring and another one takes the queue, over and over."""
    enter(chain("output", "udp dport 7000 queue num 0"))
    flow = Flow()

    def work() -> None:
        handler = Handler(frames=32)
        flow.send(20)
        handler.answer(range(0, 20, 2))

    for _ in range(10):
        same(wait(start(work)), 0, "program")
    same(flow.arrived(), [0] * 10, "the first of each; the second was never answered, so in order no other")
    same(flow.outstanding(), 0, "bytes held")


def connection_race() -> None:
    """Two UDP packets of a new connection are queued before either is confirmed: one entry, both counted."""
    enter(chain("output", "ct state new udp dport 7000 queue num 0"), chain("input", "ct state new counter"))
    flow, handler = Flow(), Handler(frames=64)
    flow.send(30)
    handler.answer_all()
    found = handler.stats()
    conserved(found)
    arrived = flow.arrived()
    # On two processors what the timer and what a kick has sent may pass each other behind the queue.
    holds(arrived and len(set(arrived)) == len(arrived), f"packets of the race: {arrived}")
    numbers = flow.send(3)
    handler.answer_all()
    same(flow.arrived(), list(numbers), "packets of the connection that won")


def flushed_again_and_again() -> None:
    """A handler at work while the rules come and go: what was in frames is dropped, nothing else."""
    rule = chain("output", "udp dport 7000 queue num 0")
    enter(rule)
    flow = Flow()

    def work() -> None:
        handler = Handler(frames=64)
        while True:
            handler.device.poll(1)
            handler.answer(range(handler.fp, handler.fa))

    pid = start(work)
    for _ in range(6):
        flow.send(20)
        subprocess.run(["nft", "delete table inet toutput"], check=True)
        subprocess.run(["nft", rule], check=True)
    os.kill(pid, signal.SIGKILL)
    same(wait(pid), -9, "handler")
    eventually(lambda: not flow.outstanding(), "no packet is left")
    arrived = flow.arrived()
    same(arrived, sorted(set(arrived)), "packets, each once and in order")
