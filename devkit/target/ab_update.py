# SPDX-License-Identifier: MIT
"""The two slots of a running target that booted from a disk, and updates over the lab's network."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devkit.host import cache
from devkit.host.errors import KitError
from devkit.lab import topology
from devkit.target.base import understood
from devkit.target.qemu import Target

#: Of the client's end of the connection that brings the file.
_PORT = 5999
_PATIENCE = 60.0


@dataclass(frozen=True)
class Slots:
    """running: a or b; slot: the committed one; trial: the one on trial or empty; tries: its boots left."""

    running: str
    slot: str
    trial: str
    tries: int


def slots(target: Target) -> Slots:
    """Return what the target says.

    Raises KitError FQ-STATUS if it did not boot from a slot, FQ-TARGET if its answer cannot be read.
    """
    asked = target.run("fastqueue-update --status", check=False)
    lines = asked.output.splitlines()
    if asked.status:
        what = "the target says nothing of its slots"
        raise KitError("FQ-STATUS", what, "boot it from a disk: ./inv boot --from=disk", lines=lines)
    with understood("its slots", asked.output):
        facts = dict(line.strip().split("=", 1) for line in lines if "=" in line)
        return Slots(facts["running"], facts["slot"], facts["trial"], int(facts["tries"]))


def update(target: Target, slot: Path, *, timeout: float = 600.0) -> str:
    """Put ``slot`` (a slot.squashfs) on trial in the slot that is not running; the next boot takes it.

    It goes from the client to the target through the lab's network. Returns what the target says.
    KitError FQ-STATUS where the target refuses it, FQ-TIMEOUT after ``timeout`` seconds.
    """
    with serve_file(target, slot) as source:
        line = f"{source} | fastqueue-update --sha256 {cache.digest_file(slot)}"
        return target.run(line, timeout=timeout).output.strip()


@contextmanager
def serve_file(target: Target, path: Path) -> Iterator[str]:
    """Offer a file to the target, once; yields the target's command that writes it to its output."""
    client = topology.load().client
    with target.lab.socket("client", socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((client.endpoint.address4, _PORT))
        listener.listen(1)
        listener.settimeout(_PATIENCE)
        sender = threading.Thread(target=_send, args=(listener, path), name="update", daemon=True)
        sender.start()
        try:
            yield f"nc {client.endpoint.address4} {_PORT} </dev/null"
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            sender.join(_PATIENCE)


def _send(listener: socket.socket, path: Path) -> None:
    # A target that refuses the file, or loses its power, hangs up; it says why itself.
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with connection, path.open("rb") as file:
            connection.settimeout(_PATIENCE)
            connection.sendfile(file)
