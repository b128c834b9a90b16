# SPDX-License-Identifier: MIT
"""Packets of a queue counted by the module's tracepoints: a queue's own counters end with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from devkit.target.qemu import Target

_TRACING = "/sys/kernel/tracing"
_EVENTS = f"{_TRACING}/events/fastqueue/enable"
_COUNT = r"s/.*fastqueue_(queued|answered|default): .*verdict=([0-9]+).*/\1 \2/p"
_HELD = re.compile(r"entries-in-buffer/entries-written: (\d+)/(\d+)")
ACCEPT = 1


class Traced:
    """What came into frames, and how it left them, from the begin of ``traced()`` to read()."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._found: dict[tuple[str, int], int] = {}

    def read(self) -> None:
        """Take what was traced until now; the kernel's buffer held it all."""
        lines = self._target.run(
            f"grep entries-written {_TRACING}/trace; sed -nE '{_COUNT}' {_TRACING}/trace | sort | uniq -c"
        ).output.splitlines()
        held = _HELD.search(lines[0])
        assert held, lines[0]
        assert held[1] == held[2], "the trace buffer was too small"
        for count, event, verdict in (line.split() for line in lines[1:]):
            self._found[event, int(verdict)] = int(count)

    def number(self, event: str, *verdicts: int) -> int:
        """Return how many packets had ``event`` (queued, answered, default), of these verdicts or of all."""
        wanted = [count for (name, verdict), count in self._found.items()
                  if name == event and (not verdicts or verdict in verdicts)]  # fmt: skip
        return sum(wanted)

    def check(self) -> None:
        """Fail unless everything that was queued was answered or flushed."""
        left = self.number("answered") + self.number("default")
        assert self.number("queued") == left, f"queued and not left, or the reverse: {self._found}"


@contextmanager
def traced(target: Target) -> Iterator[Traced]:
    """Have the tracepoints on; read() before the end. The module is there."""
    target.run(f"[ -e {_EVENTS} ] || mount -t tracefs none {_TRACING}; echo >{_TRACING}/trace")
    target.run(f"echo 1 >{_EVENTS}")
    try:
        yield Traced(target)
    finally:
        target.run(f"echo 0 >{_EVENTS}")
