# SPDX-License-Identifier: MIT
"""What the stack has checked and trusts behind a hook stays as it was checked."""

import socket
import struct

from changes import CHANGED, Raw, checksum
from checks import eventually, same
from fastqueue import abi
from lane import Handler, chain, enter
from nets import Hosts


def length_of_an_ipv6_fragment() -> None:
    """The length in an IPv6 header with extensions is the packet's own: reassembly goes by it."""
    enter(chain("input", "queue num 0", family="ip6"))
    raw, handler = Raw(6), Handler(frame_size=2048, writable=True)
    options = struct.pack("!BBBB4x", 44, 0, 1, 4)
    fragment = struct.pack("!BBHI", 17, 0, 8 | 1, 7)
    rest = options + fragment + bytes(24)
    addresses = socket.inet_pton(socket.AF_INET6, "::1") * 2
    data = struct.pack("!IHBB", 0x60000000, len(rest), 60, 64) + addresses + rest
    raw.send(data)
    eventually(lambda: handler.fa == 1, "the fragment")
    count = handler.fa - 1
    wanted = data[:4] + struct.pack("!H", 8) + data[6:]
    handler.payload(count)[: len(wanted)] = wanted
    handler.fields(count, length=len(wanted))
    handler.put(count, CHANGED)
    handler.settle()
    same((handler.stats().refused, handler.stats().accepted), (1, 0), "refused, accepted")
    handler.close()


def open_checksum_in_the_header() -> None:
    """A checksum that the kernel is to complete lies behind the IP headers, or the packet is not queued."""
    hosts = Hosts(chain("prerouting", "ether saddr 02:00:00:00:00:09 queue num 0"))
    handler = Handler(frame_size=2048)
    with hosts.inside("a"):
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        out.bind(("eth0", 0x0800))
        out.setsockopt(263, 15, 1)  # PACKET_VNET_HDR
    head = struct.pack("!BBHHHBBH", 0x4F, 0, 60 + 16, 1, 0, 64, 17, 0)
    head += socket.inet_aton("10.0.1.2") + socket.inet_aton("10.0.2.2") + b"\1" * 40
    total = 0xFFFF - checksum(head)
    head = head[:10] + struct.pack("!H", total) + head[12:]
    body = struct.pack("!4H", 4000, 7000, 16, 0) + bytes(8)
    frame = b"\xff" * 6 + bytes([2, 0, 0, 0, 0, 9]) + b"\x08\0" + head + body
    out.send(struct.pack("=BBHHHH", 1, 0, 0, 0, 14 + 20, 0) + frame)
    eventually(lambda: handler.stats().received, "the packet")
    same((handler.stats().queued, handler.stats().default_dropped), (0, 1), "queued, dropped")
    handler.close()


def header_of_a_connection() -> None:
    """A packet of a tracked connection keeps its transport protocol, and has a whole header."""
    enter(chain("output", "ct state new udp dport 7000 queue num 0"))
    handler = Handler(frame_size=2048, writable=True)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.sendto(b"12345678", ("127.0.0.1", 7000))
    whole = bytes(handler.payload(0)[:36])
    short = whole[:2] + struct.pack("!H", 24) + whole[4:24]
    handler.payload(0)[:24] = short
    handler.fields(0, length=24, flags=abi.A_LENGTHS | abi.A_CHECKSUMS)
    handler.put(0, CHANGED)
    handler.settle()
    same((handler.stats().refused, handler.stats().accepted), (1, 0), "refused, accepted")
    handler.close()
