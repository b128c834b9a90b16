# SPDX-License-Identifier: MIT
"""TCP over a bridge whose network card pads short frames, while a handler changes every packet."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from exchanges import COMPAT, NFQUEUE, RING, Path_, install_programs

from devkit.image.image import Image
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.target import kernel_modules
from devkit.target.background_process import Background
from devkit.target.qemu import Target

_ADDRESSES = {"client": "198.18.8.2", "server": "198.18.8.3"}
_PORT = 8000
_REQUEST, _REPLY = b"GET / HTTP/1.0", b"x"
_RULE = "table bridge t { chain f { type filter hook forward priority 0; ip protocol tcp queue num 0; }; }"
#: A bare acknowledgement: 40 bytes of IP in a frame that has room for 46.
_PADDED = "46:40"


@pytest.fixture(scope="module")
def bridge(image: Image) -> Iterator[Target]:
    """A target of its own with the paper's network cards, which bridges; hosts without TCP timestamps."""
    with Lab.start() as lab, Target.boot(image, lab=lab, nic="e1000") as target:
        interfaces = [side.target.interface for side in topology.load().sides]
        ports = "; ".join(
            f"ip address flush dev {name}; ip link set {name} master br0" for name in interfaces
        )
        target.run(f"ip link add br0 type bridge; {ports}; ip link set br0 up")
        for side, address in _ADDRESSES.items():
            command = f"ip address add {address}/24 dev eth0; echo 0 >/proc/sys/net/ipv4/tcp_timestamps"
            lab.run(side, ["sh", "-c", command], privileged=True).check_returncode()
        yield target
        assert not target.log.complaints()


@pytest.mark.parametrize("path", (NFQUEUE, RING, COMPAT), ids=lambda path: path.name)
def test_a_stream_has_the_bytes_that_were_sent(bridge: Target, path: Path_) -> None:
    kernel_modules.load_only(bridge, path.module)
    place = install_programs(bridge)
    bridge.run(["nft", _RULE])
    try:
        argv = [*path.under.split(), "python3", f"{place}/set_ttl.py", path.handler]
        with Background(bridge, argv) as handler:
            handler.wait_ready()
            received = _talk(bridge.lab)
            ended = handler.stop()
    finally:
        bridge.run("nft flush ruleset")
    assert received == (_REQUEST, _REPLY)
    assert ended.status == 0, ended.output
    assert _PADDED in ended.output.split(), "no frame was padded"


def _talk(lab: Lab) -> tuple[bytes, bytes]:
    """Return what server and client received from each other, to the end of both streams."""
    with (
        lab.socket("server", socket.AF_INET, socket.SOCK_STREAM) as listener,
        lab.socket("client", socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        listener.bind((_ADDRESSES["server"], _PORT))
        listener.listen()
        for each in (listener, client):
            each.settimeout(60)
        client.connect((_ADDRESSES["server"], _PORT))
        served, _ = listener.accept()
        with served:
            served.settimeout(60)
            client.sendall(_REQUEST)
            client.shutdown(socket.SHUT_WR)
            request = _to_the_end(served)
            served.sendall(_REPLY)
            served.shutdown(socket.SHUT_WR)
            return request, _to_the_end(client)


def _to_the_end(stream: socket.socket) -> bytes:
    found = b""
    while data := stream.recv(4096):
        found += data
    return found
