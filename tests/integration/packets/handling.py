# SPDX-License-Identifier: MIT
"""A packet handler at work in the target, for a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from wire import MARKER_PORT

from devkit.target import nftables, queue_counters
from devkit.target.background_process import Background, ExitResult
from devkit.target.qemu import Target
from devkit.target.queue_counters import Counters

#: First rule of every test: markers pass without being queued.
PASS_MARKERS = f"udp dport {MARKER_PORT} accept"

RULES_FILE = "/run/test-{}.rules"


class Handling:
    """A handler, and its queue's counters in the kernel."""

    def __init__(self, target: Target, program: Background, queue: int) -> None:
        self.target = target
        self.program = program
        self.queue = queue
        self._stopped = False

    def counters(self) -> Counters:
        """Return the queue's counters; they add up, or this fails."""
        found = queue_counters.read(self.target)[self.queue]
        found.check()
        return found

    def wait(self, condition: Callable[[Counters], bool]) -> Counters:
        """Wait until the counters are so, and return them."""
        return queue_counters.wait(self.target, condition, self.queue)

    def settled(self, received: int) -> Counters:
        """Wait until the queue has got ``received`` packets in all, and has decided about each."""
        return self.wait(lambda now: now.received >= received and not now.occupied)

    def pause(self) -> None:
        """Have it answer nothing from now on."""
        self.program.signal("STOP")

    def resume(self) -> None:
        """Let it go on."""
        self.program.signal("CONT")

    def kill(self) -> ExitResult:
        """Kill it as it is."""
        return self.program.stop("KILL")


@contextmanager
def handling(target: Target, *words: str, queue: int = 0, rules: str | None = None) -> Iterator[Handling]:
    """Run ``python3 -m fastqueue run --queue N WORDS`` in the target; ``rules`` is for a rule file.

    Without WORDS that say so there is no time limit: a host may be too busy for any.
    At the end the counters add up, and the handler ends with status 0 unless it was killed.
    """
    files = []
    if rules is not None:
        files = [RULES_FILE.format(queue)]
        target.put(rules.encode(), files[0])
    argv = ["python3", "-m", "fastqueue", "run", "--queue", str(queue), "--timeout-ms", "0", *words, *files]
    with Background(target, argv) as program:
        program.wait_ready()
        handler = Handling(target, program, queue)
        try:
            yield handler
        finally:
            handler.resume()
        if queue in queue_counters.read(target):
            handler.counters()
            ended = program.stop()
            assert ended.status == 0, ended.output
            assert f"queue {queue}: received" in ended.output


@contextmanager
def queued(target: Target, rules: Sequence[str] = ("queue num 0",)) -> Iterator[None]:
    """Have forwarded packets queued by ``rules``, markers excepted."""
    with nftables.rules_installed(target, PASS_MARKERS, *rules):
        yield


def set_default(target: Target, action: str) -> None:
    """Set what happens to packets of queues that nobody handles: accept or drop."""
    target.run(f"echo {action} >/sys/module/fastqueue/parameters/default_action")
