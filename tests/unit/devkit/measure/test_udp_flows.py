# SPDX-License-Identifier: MIT
import socket
from typing import cast

import pytest

from devkit.lab.client import Lab
from devkit.measure import udp_flows


class Loopback:
    """Sockets of this host for those of both hosts; ``lost`` is the port that nothing arrives at."""

    def __init__(self, lost: int | None = None) -> None:
        self.lost = lost

    def socket(self, namespace: str, family: int, kind: int) -> socket.socket:
        if namespace == "client" and self.lost is not None:
            return Lossy(self.lost, family, kind)
        return socket.socket(family, kind)


class Lossy(socket.socket):
    """Sends to one port vanish."""

    def __init__(self, lost: int, family: int, kind: int) -> None:
        super().__init__(family, kind)
        self.lost = lost

    def sendto(self, data: bytes, address: tuple[str, int]) -> int:  # type: ignore[override]
        return len(data) if address[1] == self.lost else super().sendto(data, address)


def free_ports() -> tuple[int, int]:
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def exchange(lost: int | None, passing: int, dropped: int) -> tuple[udp_flows.UdpFlow, udp_flows.UdpFlow]:
    lab = cast(Lab, Loopback(lost))
    return udp_flows.exchange(lab, "127.0.0.1", passing=passing, dropped=dropped, number=50)


def test_what_arrives_is_counted_by_flow() -> None:
    passing, dropped = free_ports()
    assert exchange(dropped, passing, dropped) == (
        udp_flows.UdpFlow(passing, 50, 50),
        udp_flows.UdpFlow(dropped, 50, 0),
    )


def test_a_flow_that_should_not_pass_and_does_is_seen() -> None:
    passing, dropped = free_ports()
    assert exchange(None, passing, dropped)[1].arrived == 50


def test_a_flow_that_does_not_arrive_is_counted_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_flows, "_ARRIVAL_TIME", 0.2)
    passing, dropped = free_ports()
    assert exchange(passing, passing, dropped)[0].arrived == 0


class Endless:
    """A socket with always one more datagram; nothing but its reader's clock ends that."""

    def settimeout(self, seconds: float) -> None:
        pass

    def recv(self, size: int) -> bytes:
        return b"x"


@pytest.mark.timeout(30)
def test_a_flood_ends_with_the_time_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_flows, "_ARRIVAL_TIME", 0.2)
    for expected in (0, 10):
        assert udp_flows._receive(cast(socket.socket, Endless()), expected) > expected
