# SPDX-License-Identifier: MIT
"""A program that was made for NFQUEUE, started beside a case, over the path that UNDER says."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

#: What programs are started with: nothing, or fastqueue-run.
UNDER = os.environ.get("UNDER", "").split()
_PATIENCE = 30.0  # s
_SETTLING = 0.2  # s for what a program sets behind its copy mode: flags, length
_NFQUEUE = Path("/proc/net/netfilter/nfnetlink_queue")
_FASTQUEUE = Path("/proc/net/fastqueue")


class Program:
    """A process, and what it wrote; it ends with the case."""

    def __init__(self, *argv: str) -> None:
        # a terminal: programs then write each line at once
        self._terminal, slave = os.openpty()
        self._written = b""
        self._process = subprocess.Popen([*UNDER, *argv], stdout=slave, stderr=slave)
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while data := os.read(self._terminal, 4096):
                self._written += data

    def wait_bound(self, *queues: int) -> None:
        """Wait until it has bound the queues and chosen their copy mode."""
        until = time.monotonic() + _PATIENCE
        while not set(queues) <= _configured():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"not bound: {self.lines()}")
            time.sleep(0.02)
        time.sleep(_SETTLING)

    def wait_line(self, word: str, times: int = 1) -> None:
        """Wait until lines with ``word`` came so often."""
        until = time.monotonic() + _PATIENCE
        while sum(word in line for line in self.lines()) < times:
            if time.monotonic() > until:
                raise RuntimeError(f"no {word!r}: {self.lines()}")
            time.sleep(0.02)

    def lines(self) -> list[str]:
        """Return what it wrote until now, without the compatibility library's own lines."""
        return [line for line in self._lines() if not line.startswith("fastqueue: ")]

    def said(self) -> list[str]:
        """Return what the compatibility library wrote."""
        return [line for line in self._lines() if line.startswith("fastqueue: ")]

    def _lines(self) -> list[str]:
        return self._written.decode(errors="replace").splitlines()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit status, negative for a signal."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it ends by itself; return the exit status."""
        status = self._process.wait(_PATIENCE)
        self._reader.join(_PATIENCE)
        return status


def _configured() -> set[int]:
    """Numbers of the queues of this namespace that copy packets."""
    if UNDER:
        rows = [line.split() for line in _FASTQUEUE.read_text().splitlines()[1:]]
        return {int(row[0]) for row in rows if int(row[3]) > 64}
    rows = [line.split() for line in _NFQUEUE.read_text().splitlines()]
    return {int(row[0]) for row in rows if int(row[3])}
