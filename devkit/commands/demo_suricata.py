# SPDX-License-Identifier: MIT
"""Suricata at work over Fast Queue, shown with real connections: an exploit dropped, the rest pass."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.table import Table

from devkit.host.errors import KitError
from devkit.host.progress import console, say, stage
from devkit.image.base_choice import ImageOptions
from devkit.image.image import build_image
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.qemu.extra_disk import SURICATA
from devkit.suricata import engine, web_server
from devkit.suricata.eve_log import Event
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.base import understood
from devkit.target.qemu import Target

_PORT = 80
#: How long a client waits for an answer: a dropped request gets none (seconds).
_PATIENCE = 3.0


@dataclass(frozen=True)
class HttpRequest:
    """What a client asks for, and whether Suricata's rules let it through."""

    what: str
    path: str
    passes: bool
    agent: str = "browser/1.0"

    def data(self, host: str) -> bytes:
        """Return it as HTTP has it."""
        head = f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {self.agent}\r\n"
        return f"{head}Connection: close\r\n\r\n".encode()


REQUESTS = (
    HttpRequest("a page", "/index.html", True),
    HttpRequest("an exploit", "/cgi-bin/exploit.cgi?cmd=id", False),
    HttpRequest("a file that is nobody's business", "/../../etc/passwd", False),
    HttpRequest("somebody who looks around", "/wp-login.php", True),
    HttpRequest("a known worm", "/index.html", False, "worm-http/2"),
    HttpRequest("another page", "/news.html", True),
)


@dataclass(frozen=True)
class Seen:
    """A request with what came of it, and Suricata's words about it."""

    request: HttpRequest
    answered: bool
    reached: bool
    said: str


def run_ids_demo(profile: str = "p3", nic: str = "virtio", base: str = "auto") -> list[Seen]:
    """Run the demonstration; builds what is missing, and takes all down at the end.

    KitError where a step fails, FQ-FLOW where Suricata or the queue decide wrongly.
    """
    image = build_image(ImageOptions(base))
    SURICATA.build(image.rootfs)
    with stage("start the lab"):
        lab = Lab.start()
    with lab:
        with stage(f"boot the target with Suricata ({profile}, {nic})"):
            target = Target.boot(image, lab=lab, profile=profile, nic=nic, addition=SURICATA)
        with target:
            engine.install(target)
            return show(lab, target)


def show(lab: Lab, target: Target) -> list[Seen]:
    """Send all REQUESTS through Suricata over Fast Queue and print what came of them."""
    with kernel_modules.loaded_during(target, kernel_modules.FASTQUEUE):
        say(f"  {' '.join(engine.command(kernel_modules.FASTQUEUE))}")
        with (
            engine.running(target, kernel_modules.FASTQUEUE) as suricata,
            nftables.rules_installed(target, nftables.queue_all()),
        ):
            with stage("real requests from the client to the server"), _server(lab) as reached:
                answers = [_ask(lab, request) for request in REQUESTS]
            found = queue_counters.of_queue(target)
            events = suricata.events()
            with understood("what Suricata found"):
                seen = _seen(answers, list(reached), events)
    _present(seen)
    say(f"  /proc/net/fastqueue: {found.accepted} packets accepted, {found.dropped} dropped")
    found.check()
    if any(one.answered != one.request.passes or one.reached != one.request.passes for one in seen):
        raise KitError(
            "FQ-FLOW", "Suricata's verdicts did not hold", "run ./inv test -k ids", log=target.log.path
        )
    return seen


@contextmanager
def _server(lab: Lab) -> Iterator[list[str]]:
    """Have a web server that answers all alike; the list is of the requests that reached it."""
    with lab.socket("server", socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((topology.load().server.endpoint.address4, _PORT))
        listener.listen()
        with web_server.serving(listener) as reached:
            yield reached


def _ask(lab: Lab, request: HttpRequest) -> tuple[HttpRequest, bool, int]:
    """Send one request; whether it was answered, and the client's port."""
    address = topology.load().server.endpoint.address4
    with lab.socket("client", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(30.0)
        client.connect((address, _PORT))
        port = int(client.getsockname()[1])
        client.settimeout(_PATIENCE)
        client.sendall(request.data(address))
        try:
            answered = client.recv(4096).startswith(b"HTTP/1.1 200")
        except (TimeoutError, ConnectionError):
            answered = False
        if not answered:
            web_server.forget_at_close(client)
    return request, answered, port


def _seen(
    answers: list[tuple[HttpRequest, bool, int]], reached: list[str], events: list[Event]
) -> list[Seen]:
    by_port = {
        event["src_port"]: f"{event['alert']['action']}: {event['alert']['signature']}"
        for event in events
        if event["event_type"] == "alert"
    }
    address = topology.load().server.endpoint.address4
    return [
        Seen(request, answered, request.data(address).decode() in reached, by_port.get(port, ""))
        for request, answered, port in answers
    ]


def _present(seen: list[Seen]) -> None:
    table = Table(title="Suricata 7 in-line over Fast Queue")
    for heading in ("request", "path or client", "reached the server", "Suricata"):
        table.add_column(heading)
    for one in seen:
        what = one.request.path if one.request.agent.startswith("browser") else one.request.agent
        table.add_row(one.request.what, what, "yes" if one.reached else "no: dropped", one.said)
    console.print(table)
