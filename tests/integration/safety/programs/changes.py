# SPDX-License-Identifier: MIT
"""Packets with changed contents: lengths and checksums are right afterwards if the handler asks for it."""

import random
import select
import socket
import struct
from collections.abc import Iterator

from checks import eventually, holds, same
from fastqueue import abi
from lane import Flow, Handler, chain, enter
from nets import Hosts

ACCEPT = abi.ANSWER_ACCEPT
CHANGED = ACCEPT | abi.WITH_PAYLOAD
UDP, TCP, ICMP, ICMP6 = 17, 6, 1, 58
_HEADS = {
    UDP: struct.pack("!4H", 4000, 7000, 0, 0),
    TCP: struct.pack("!2H2IBB3H", 4000, 7000, 1, 0, 0x50, 0x18, 1000, 0, 0),
    ICMP: bytes([8, 0, 0, 0, 0, 1, 0, 1]),
    ICMP6: bytes([128, 0, 0, 0, 0, 1, 0, 1]),
}
_CHECKSUM_AT = {UDP: 6, TCP: 16, ICMP: 2, ICMP6: 2}
_PACKET_IGNORE_OUTGOING = 23


def checksum(data: bytes) -> int:
    """Return the Internet checksum's sum, not yet complemented: 65535 over what has a right one."""
    total: int = sum(struct.unpack(f"!{len(data) // 2 + len(data) % 2}H", data + bytes(len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def packet(version: int, protocol: int, body: bytes) -> bytes:
    """Return a packet over the loopback whose lengths and checksums are for the kernel to set."""
    rest = _HEADS[protocol] + body
    if version == 4:
        addresses = socket.inet_aton("127.0.0.1") * 2
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(rest), 1, 0, 64, protocol, 0) + addresses + rest
    addresses = socket.inet_pton(socket.AF_INET6, "::1") * 2
    return struct.pack("!IHBB", 0x60000000, len(rest), protocol, 64) + addresses + rest


def check(data: bytes) -> bytes:
    """Fail unless lengths and checksums of a received packet are right; return what it carries."""
    if data[0] >> 4 == 4:
        same(checksum(data[:20]), 0xFFFF, "IPv4 header's checksum")
        same(int.from_bytes(data[2:4], "big"), len(data), "IPv4 length")
        protocol, rest, pseudo = data[9], data[20:], data[12:20]
    else:
        same(int.from_bytes(data[4:6], "big"), len(data) - 40, "IPv6 length")
        protocol, rest, pseudo = data[6], data[40:], data[8:40]
    if protocol == UDP:
        same(int.from_bytes(rest[4:6], "big"), len(rest), "UDP length")
    if protocol == ICMP:
        pseudo = b""
    else:
        pseudo += struct.pack("!2I", len(rest), protocol)
    same(checksum(pseudo + rest), 0xFFFF, f"checksum of protocol {protocol}")
    at = _CHECKSUM_AT[protocol]
    holds(protocol != UDP or rest[at : at + 2] != bytes(2), "a UDP checksum")
    return rest[len(_HEADS[protocol]) :]


class Raw:
    """Raw packets over the loopback, and a sniffer."""

    def __init__(self, version: int) -> None:
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        self._to = ("127.0.0.1", 0) if version == 4 else ("::1", 0)
        self._out = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._in = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self._in.setsockopt(263, _PACKET_IGNORE_OUTGOING, 1)
        self._in.bind(("lo", 3))

    def send(self, data: bytes) -> None:
        """Send it as it is; the kernel completes IPv4's length and checksum."""
        self._out.sendto(data, self._to)

    def first(self) -> bytes:
        """Return the next packet, from the IP header on; some kernels leave it to their softirq thread."""
        return self._in.recv(65536) if select.select([self._in], [], [], 10)[0] else b""

    def arrived(self) -> Iterator[bytes]:
        """Return what came, from the IP header on."""
        try:
            while True:
                yield self._in.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return


def _change(version: int, protocol: int) -> None:
    """Shorter, longer, empty, odd and even; also longer than the skb has room for."""
    enter(chain("output", f"meta l4proto {protocol} queue num 0"))
    raw, handler = Raw(version), Handler(frame_size=2048, writable=True)
    for before in (0, 1, 30, 400):
        for after in (0, 1, 29, 30, 31, 1000, 1400):
            raw.send(packet(version, protocol, random.randbytes(before)))
            body = random.randbytes(after)
            wanted = packet(version, protocol, body)
            count = handler.fa - 1
            handler.payload(count)[: len(wanted)] = wanted
            handler.fields(count, length=len(wanted), flags=abi.A_ALL)
            handler.put(count, CHANGED)
            handler.settle()
            first = raw.first()
            same(len(first), len(wanted), f"length, {before} to {after}")
            same(check(first), body, f"contents, {before} to {after}")
            handler.answer_all(abi.ANSWER_DROP)  # answers of this host
            list(raw.arrived())


def udp4() -> None:
    _change(4, UDP)


def tcp4() -> None:
    _change(4, TCP)


def icmp4() -> None:
    _change(4, ICMP)


def udp6() -> None:
    _change(6, UDP)


def tcp6() -> None:
    _change(6, TCP)


def icmp6() -> None:
    _change(6, ICMP6)


def nonsense() -> None:
    """Random bytes of all lengths in place of a packet, headers that say more than there is: no harm."""
    four = chain("output", "meta nfproto ipv4 queue num 0")
    six = chain("output", "queue num 1", family="ip6", name="six")
    enter(four, six, chain("input", "ct state invalid counter"))
    for version, number in ((4, 0), (6, 1)):
        raw, handler = Raw(version), Handler(number, frame_size=65536, writable=True)
        base = packet(version, UDP, bytes(100))
        for _ in range(400):
            raw.send(base)
            count = handler.fa - 1
            length = random.choice(
                (1, 19, 20, 21, 39, 40, 41, 60, random.randrange(1, 200), random.randrange(1, 65537))
            )
            data = bytearray(base + random.randbytes(max(0, length - len(base))))
            for _ in range(random.randrange(1, 6)):
                data[random.randrange(min(len(data), 60))] = random.getrandbits(8)
            handler.payload(count)[:length] = data[:length]
            handler.fields(count, length=length, flags=random.randrange(abi.A_ALL + 1))
            handler.put(count, CHANGED)
            handler.settle()
            handler.answer_all(abi.ANSWER_DROP)
            list(raw.arrived())
        handler.close()


def lengths_refused() -> None:
    """None, more than the frame holds, any at all if the ring is not writable; and flags that are unknown."""
    enter(chain("output", "udp dport 7000 queue num 0"))
    flow = Flow()
    wrong = [(True, 0, 0), (True, 257, 0), (True, 0xFFFFFFFF, 0), (False, 32, 0)]
    wrong += [(True, 32, abi.A_ALL + 1), (True, 32, 0x8000 | abi.A_ALL)]
    for writable, length, flags in wrong:
        handler = Handler(writable=writable)
        flow.send()
        handler.fields(0, length=length, flags=flags)
        handler.put(0, CHANGED)
        handler.settle()
        same(
            (handler.stats().invalid_words, handler.stats().occupied),
            (1, 1),
            f"length {length}, flags {flags:#x}",
        )
        handler.answer_all()
        handler.close()
    same(flow.arrived(), list(range(len(wrong))), "packets, unchanged")


def _ethernet(ethertype: int, data: bytes) -> bytes:
    return bytes.fromhex("ffffffffffff 020000000001") + struct.pack("!H", ethertype) + data


def broken_headers() -> None:
    """Frames over a bridge with an IP header shorter than one can be, or that says so.

    One that came so leaves as the handler wrote it. A valid one is not turned into such: it is dropped.
    """
    hosts = Hosts(chain("forward", "ether type 0x0800-0x86dd queue num 0", family="bridge"), bridged=True)
    with hosts.inside("a"):
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind(("eth0", 0))
    handler = Handler(frames=256, writable=True)

    def changed(ethertype: int, came: bytes, leaves: bytes) -> tuple[int, int, int]:
        """Change a frame's packet; return how many were accepted, dropped and refused by that."""
        begin = handler.fa
        sender.send(_ethernet(ethertype, came))
        eventually(lambda: handler.fa > begin, "queued")
        mine = [n for n in range(begin, handler.fa) if bytes(handler.payload(n)[: len(came)]) == came]
        same(len(mine), 1, "the frame")
        before = handler.stats()
        others = [count for count in range(handler.fp, handler.fa) if count != mine[0]]
        handler.answer(others)
        handler.payload(mine[0])[: len(leaves)] = leaves
        handler.fields(mine[0], length=len(leaves))
        handler.put(mine[0], CHANGED)
        handler.settle()
        after = handler.stats()
        accepted = after.accepted - before.accepted - len(others)
        return accepted, after.dropped - before.dropped, after.refused - before.refused

    frames = [(0x0800, 0x40 | words, length) for words in range(5) for length in (1, 19, 20, 46, 200)]
    frames += [(0x0800, 0x4F, 59), (0x0800, 0x45, 19), (0x86DD, 0x60, 1), (0x86DD, 0x60, 39)]
    for ethertype, first, length in frames:
        broken = bytes([first]) + random.randbytes(length - 1)
        valid = packet(4 if ethertype == 0x0800 else 6, UDP, random.randbytes(40))
        what = f"{ethertype:#x}, {first:#x}, {length} bytes"
        same(changed(ethertype, broken, broken), (1, 0, 0), f"{what}: accepted, dropped, refused")
        same(changed(ethertype, valid, broken), (0, 1, 1), f"{what}, before it valid: the same")
