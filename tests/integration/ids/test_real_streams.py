# SPDX-License-Identifier: MIT
"""TCP between real hosts through Suricata: what arrives is what was sent, with offloads off."""

from __future__ import annotations

import random
import socket
import threading

import pytest

from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.measure import iperf
from devkit.suricata import engine
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.qemu import Target

_BYTES = 3_000_000
_PATIENCE = 120.0


def _send(client: socket.socket, data: bytes) -> None:
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


def _sent_and_received(lab: Lab) -> tuple[bytes, bytes]:
    data = random.Random(7).randbytes(_BYTES)
    with (
        lab.socket("server", socket.AF_INET, socket.SOCK_STREAM) as listener,
        lab.socket("client", socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        listener.bind((topology.load().server.endpoint.address4, 0))
        listener.listen()
        for one in (listener, client):
            one.settimeout(_PATIENCE)
        client.connect(listener.getsockname())
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(_PATIENCE)
            sender = threading.Thread(target=_send, args=(client, data), daemon=True)
            sender.start()
            received = bytearray()
            while part := connection.recv(65536):
                received += part
            sender.join()
    return data, bytes(received)


@pytest.mark.parametrize("module", [kernel_modules.NFQUEUE, kernel_modules.FASTQUEUE])
def test_a_stream_arrives_as_it_was_sent(ids_target: Target, ids_lab: Lab, module: str) -> None:
    with (
        kernel_modules.loaded_during(ids_target, module),
        engine.running(ids_target, module) as suricata,
        nftables.rules_installed(ids_target, nftables.queue_all()),
    ):
        sent, received = _sent_and_received(ids_lab)
        assert sent == received
        assert suricata.events() == []
        measured = iperf.measure(ids_lab, topology.load().server.endpoint.address4, 2)
        assert measured.mbit_per_s > 0
        if module == kernel_modules.FASTQUEUE:
            found = queue_counters.read(ids_target)[0]
            found.check()
            assert found.queued > _BYTES / 1500
        # iperf3's server closes before it has read all: each late segment gets a reset, and Suricata
        # lets the first of them through only.
        others = [event for event in suricata.events() if not event["drop"]["rst"]]
        assert not others, others[:3]
