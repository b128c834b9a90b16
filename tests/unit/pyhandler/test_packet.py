# SPDX-License-Identifier: MIT
"""Five tuples from packets, whole, fragmented, cut short and made up."""

from __future__ import annotations

import pytest
from fastqueue.packet import ICMP, ICMPV6, NO_PORT, TCP, UDP, Packet, parse
from hypothesis import given
from hypothesis import strategies as st

from .packets import authentication_header, fragment_header, ipv4, ipv6, options_header, tcp, udp

HEADERS = st.sampled_from([0, 6, 17, 43, 44, 50, 51, 58, 59, 60, 135, 139, 140])


def parsed(data: bytes) -> Packet:
    packet = parse(memoryview(data))
    assert packet
    return packet


@pytest.mark.parametrize("options", [b"", bytes(4), bytes(40)])
def test_udp_over_ipv4(options: bytes) -> None:
    data = ipv4(udp(b"name", 1000, 53), options=options)
    packet = parsed(data)
    assert packet[:2] == (4, UDP)
    assert (packet.src, packet.dst) == (bytes([198, 18, 0, 2]), bytes([198, 19, 0, 2]))
    assert (packet.sport, packet.dport) == (1000, 53)
    assert data[packet.contents :] == b"name"


@pytest.mark.parametrize("options", [b"", bytes(40)])
def test_tcp_over_ipv6(options: bytes) -> None:
    data = ipv6(tcp(b"GET /", 5, 65535, options), following=TCP)
    packet = parsed(data)
    assert (packet.version, packet.protocol, packet.sport, packet.dport) == (6, TCP, 5, 65535)
    assert packet.src.hex() == "20010002000000010000000000000002"
    assert data[packet.contents :] == b"GET /"


def test_icmp_has_no_ports() -> None:
    for data, protocol in (
        (ipv4(bytes(8) + b"ping", protocol=ICMP), ICMP),
        (ipv6(bytes(8) + b"ping", following=ICMPV6), ICMPV6),
    ):
        packet = parsed(data)
        assert (packet.protocol, packet.sport, packet.dport) == (protocol, NO_PORT, NO_PORT)
        assert data[packet.contents :] == b"ping"


@pytest.mark.parametrize(
    "headers",
    [
        [(0, options_header)],
        [(60, lambda following: options_header(following, 24))],
        [(43, options_header), (44, lambda following: fragment_header(following, 0, True))],
        [(0, options_header), (51, authentication_header), (60, options_header)],
    ],
)
def test_extension_headers_are_skipped(headers: list) -> None:  # type: ignore[type-arg]
    numbers = [number for number, _ in headers] + [UDP]
    chain = b"".join(make(numbers[index + 1]) for index, (_, make) in enumerate(headers))
    packet = parsed(ipv6(chain + udp(b"", 7, 9), following=numbers[0]))
    assert (packet.protocol, packet.sport, packet.dport) == (UDP, 7, 9)
    assert not packet.later_fragment


def test_first_fragments_have_ports_and_later_ones_have_none() -> None:
    assert parsed(ipv4(udp(), fragment=0x2000)).dport == 53
    assert parsed(ipv6(fragment_header(UDP, 0, True) + udp(), following=44)).dport == 53
    for data in (
        ipv4(udp(), fragment=0x2001),
        ipv4(udp(), fragment=0x0100),
        ipv6(fragment_header(UDP, 8, False) + udp(), following=44),
        ipv6(options_header(44) + fragment_header(UDP, 1280, True) + udp(), following=0),
    ):
        packet = parsed(data)
        assert (packet.protocol, packet.dport, packet.later_fragment) == (UDP, NO_PORT, True)
        assert packet.contents == len(data)


@pytest.mark.parametrize("data", [b"", b"\x45", bytes(60), ipv4()[:19], ipv6()[:39], b"\x44" + bytes(40)])
def test_what_is_not_ip_is_none(data: bytes) -> None:
    assert parse(memoryview(data)) is None


def test_unknown_protocols_have_no_header_to_skip() -> None:
    data = ipv4(b"whatever", protocol=132)
    assert data[parsed(data).contents :] == b"whatever"


@given(
    st.one_of(st.binary(max_size=120), st.binary(min_size=40, max_size=120).map(lambda b: b"\x60" + b[1:]))
)
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    check(parse(memoryview(data)), data)


@given(HEADERS, st.lists(st.tuples(HEADERS, st.integers(0, 3)), max_size=6), st.binary(max_size=30))
def test_arbitrary_chains_never_raise(first: int, chain: list[tuple[int, int]], rest: bytes) -> None:
    headers = b"".join(bytes([following, length]) + bytes(6 + 8 * length) for following, length in chain)
    data = ipv6(headers + rest, following=first)
    check(parse(memoryview(data)), data)


@given(st.data())
def test_cut_off_packets_keep_what_is_there(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([ipv4(tcp(b"x" * 9), protocol=TCP), ipv6(udp(b"x" * 9))]))
    short = whole[: data.draw(st.integers(0, len(whole)))]
    packet, complete = parse(memoryview(short)), parsed(whole)
    check(packet, short)
    if packet:
        assert packet[:4] == complete[:4]
        assert packet.sport in (complete.sport, NO_PORT)


def check(packet: Packet | None, data: bytes) -> None:
    if packet is None:
        return
    assert len(packet.src) == len(packet.dst) == (4 if packet.version == 4 else 16)
    assert (packet.sport == NO_PORT) == (packet.dport == NO_PORT)
    assert 0 < packet.contents <= len(data)
