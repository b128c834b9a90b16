# SPDX-License-Identifier: MIT
"""TCP in packets larger than a frame of the cable, as cards and the stack make them on the way in.

With offloads on the cables the sender's large packets come through the virtual card as they are (TSO);
without them the target's own stack merges what the card delivers (GRO).
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator

import pytest
from handling import Handling, handling, queued
from network import settle_neighbours

from devkit.image.image import Image
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.target import kernel_modules
from devkit.target.qemu import Target

PORT = 7001
BYTES = 1 << 20
SEGMENT = 1448  # bytes of contents of a packet of the cable's size
_PATIENCE = 120.0


@pytest.fixture(scope="module", params=["large from the card", "merged by the stack"])
def large(request: pytest.FixtureRequest, image: Image) -> Iterator[Target]:
    """A target of its own whose cards merge; its kernel has nothing to complain about."""
    cables = request.param == "large from the card"
    with Lab.start(offloads=cables) as lab, Target.boot(image, lab=lab, offloads=True) as target:
        settle_neighbours(target, topology.load())
        kernel_modules.load_only(target, kernel_modules.FASTQUEUE)
        yield target
        assert not target.log.complaints()


def transfer(lab: Lab, version: int) -> None:
    """Send by TCP from client to server; what arrives is what was sent."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    side = next(side for side in topology.load().sides if side.name == "server")
    place = side.endpoint.address4 if version == 4 else side.endpoint.address6
    data = random.Random(version).randbytes(BYTES)
    with (
        lab.socket("server", family, socket.SOCK_STREAM, 0) as server,
        lab.socket("client", family, socket.SOCK_STREAM, 0) as client,
    ):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((place, PORT))
        server.listen()
        for each in (server, client):
            each.settimeout(_PATIENCE)
        client.connect((place, PORT))
        sender = threading.Thread(target=_send, args=(client, data))
        sender.start()
        peer, _ = server.accept()
        peer.settimeout(_PATIENCE)
        with peer:
            got = bytearray()
            while part := peer.recv(1 << 20):
                got += part
        sender.join()
    assert bytes(got) == data, f"{len(got)} of {len(data)} bytes, or others"


def _send(client: socket.socket, data: bytes) -> None:
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


def check(handler: Handling, *, whole: bool) -> None:
    """Fail unless packets were large ones, and came to the handler as it asked."""
    found = handler.counters()
    assert not found.dropped
    if whole:
        assert not found.segmented, "taken apart for a reader that takes whole ones"
        assert found.accepted < BYTES // SEGMENT, f"none was large: {found}"
    else:
        assert found.segmented > 0, f"none was large: {found}"
        assert found.accepted >= BYTES // SEGMENT, f"some were not taken apart: {found}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("whole", [False, True], ids=["segmented", "whole"])
def test_large_packets_come_as_the_handler_asks(large: Target, *, whole: bool) -> None:
    words = ["--gso", "null"] if whole else ["null"]
    rules = [f"tcp dport {PORT} queue num 0"]
    for version in (4, 6):
        with handling(large, *words) as handler, queued(large, rules):
            transfer(large.lab, version)
            check(handler, whole=whole)
