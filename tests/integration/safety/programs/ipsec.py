# SPDX-License-Identifier: MIT
"""IPsec and Mobile IPv6: packets that were parsed before the hook, and addresses that change behind it."""

import socket
import struct
from collections.abc import Callable

from changes import checksum
from checks import eventually, same
from fastqueue import abi
from fastqueue.meta import Meta
from lane import Handler, chain, enter, ip
from nets import Hosts

_CHANGED = abi.ANSWER_ACCEPT | abi.WITH_PAYLOAD
_COMPLETE = abi.A_LENGTHS | abi.A_CHECKSUMS
_QUEUED = "udp dport 7000 queue num 0"
_SPI = 4096
_STATE = f"proto esp spi {_SPI} mode {{}} enc ecb(cipher_null) ''"
_IP_RETOPTS, _IPV6_2292DSTOPTS = 7, 4
_RECORD_ROUTE = bytes([7, 11, 4]) + bytes(8) + b"\0"
_OTHER_OPTIONS = bytes([1, 1, 45, 9]) + bytes(7) + b"\0"
_PADDING = bytes([1, 4, 0, 0, 0, 0])  # an option of IPv6 that fills a header of 8 bytes
_CARE_OF, _HOME, _CLIENT_HOME = "fd00:1::2", "fd00:1::77", "fd00:9::9"


def _udp(contents: bytes, source: bytes = b"", destination: bytes = b"") -> bytes:
    """Return a datagram from port 4000 to 7000; with addresses its checksum is right."""
    length = 8 + len(contents)
    plain = struct.pack("!4H", 4000, 7000, length, 0) + contents
    if not source:
        return plain
    total = checksum(source + destination + struct.pack("!2I", length, 17) + plain)
    return plain[:6] + struct.pack("!H", total ^ 0xFFFF) + contents


def _esp(datagram: bytes) -> bytes:
    """Return it in an encapsulating security payload without a cipher, in transport mode."""
    padding = bytes(range(1, 1 + -(len(datagram) + 2) % 4))
    return struct.pack("!2I", _SPI, 1) + datagram + padding + bytes([len(padding), 17])


def _ipv4(options: bytes, rest: bytes) -> bytes:
    words = (20 + len(options)) // 4
    fields = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(rest), 1, 0, 64, 50, 0)
    return fields + socket.inet_aton("127.0.0.1") * 2 + options + rest


def _ipv6(next_header: int, rest: bytes) -> bytes:
    fields = struct.pack("!IHBB", 0x60000000, len(rest), next_header, 64)
    return fields + socket.inet_pton(socket.AF_INET6, "::1") * 2 + rest


def _out_of_ipsec(
    version: int, packet: bytes, receiver: socket.socket, change: Callable[[bytes], bytes]
) -> list[tuple[bytes, list[tuple[int, int, bytes]]]]:
    """Send the packet twice, accept it as it is and changed; return contents and what came along."""
    family, local = (socket.AF_INET, "127.0.0.1") if version == 4 else (socket.AF_INET6, "::1")
    receiver.bind((local, 7000))
    receiver.settimeout(20)
    ip(f"xfrm state add src {local} dst {local} {_STATE.format('transport')}")
    handler = Handler(frame_size=512, writable=True)
    sender = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    found = []
    for count in range(2):
        sender.sendto(packet, (local, 0))
        eventually(lambda count=count: handler.fa == count + 1, "the packet comes out of IPsec")  # type: ignore[misc]
        if count:
            length = Meta.read(handler.device.ring.meta, 1).length
            new = change(bytes(handler.payload(1)[:length]))
            handler.payload(1)[: len(new)] = new
            handler.fields(1, length=len(new), flags=_COMPLETE)
        handler.put(count, _CHANGED if count else abi.ANSWER_ACCEPT)
        handler.settle()
        contents, along, _, _ = receiver.recvmsg(2048, 2048)
        found.append((contents, along))
    same((handler.stats().accepted, handler.stats().refused), (2, 0), "accepted, refused")
    return found


def options_of_a_packet_out_of_ipsec() -> None:
    """Its options are not those that were parsed before: none of the old positions is read."""
    enter(chain("prerouting", _QUEUED))
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.IPPROTO_IP, _IP_RETOPTS, 1)
    packet = _ipv4(_RECORD_ROUTE, _esp(_udp(b"contents")))
    (plain, kept), (changed, along) = _out_of_ipsec(
        4, packet, receiver, lambda seen: seen[:20] + _OTHER_OPTIONS + seen[32:]
    )
    same((plain, changed), (b"contents", b"contents"), "contents")
    same(
        [(kind, data[:2]) for _, kind, data in kept], [(_IP_RETOPTS, _RECORD_ROUTE[:2])], "options to answer"
    )
    same([data for _, _, data in along], [b""], "options to answer, of the changed packet")


def extension_headers_of_a_packet_out_of_ipsec() -> None:
    """Destination options that the answer took out are not delivered from where they were."""
    enter(chain("prerouting", _QUEUED))
    receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for option in (socket.IPV6_RECVDSTOPTS, _IPV6_2292DSTOPTS):
        receiver.setsockopt(socket.IPPROTO_IPV6, option, 1)
    options = bytes([50, 0]) + _PADDING
    local = socket.inet_pton(socket.AF_INET6, "::1")
    packet = _ipv6(60, options + _esp(_udp(b"contents", local, local)))
    (plain, kept), (changed, along) = _out_of_ipsec(
        6, packet, receiver, lambda seen: seen[:6] + b"\x11" + seen[7:40] + seen[48:]
    )
    same((plain, changed), (b"contents", b"contents"), "contents")
    kinds = [(kind, data) for _, kind, data in kept]
    delivered = b"\x11" + options[1:]
    same(kinds, [(socket.IPV6_DSTOPTS, delivered), (_IPV6_2292DSTOPTS, delivered)], "destination options")
    same(along, [], "destination options of the changed packet")


def _readdressed(header: bytes, kind: int, source: str, destination: str, state: str) -> None:
    """Add a header by which delivery replaces an address; the socket of the old flow does not get it."""
    hosts = Hosts(chain("input", _QUEUED))
    with open("/proc/sys/net/ipv6/conf/pa/disable_policy", "w") as file:  # noqa: PTH123 start-up time
        file.write("1")
    ip(f"address add {_HOME}/64 dev pa home nodad", state)
    anyone, connected = (socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2))
    for each in (anyone, connected):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    anyone.bind(("::", 7000))
    anyone.settimeout(20)
    connected.bind(("fd00:1::1", 7000))
    connected.connect((_CARE_OF, 4000))
    connected.settimeout(20)
    client = hosts.socket("a", socket.SOCK_DGRAM, 6)
    client.bind(("", 4000))
    handler = Handler(frame_size=512, writable=True)
    for count in range(2):
        client.sendto(b"contents", ("fd00:1::1", 7000))
        eventually(lambda count=count: handler.fa == count + 1, "queued")  # type: ignore[misc]
    handler.put(0, abi.ANSWER_ACCEPT)
    ends = (socket.inet_pton(socket.AF_INET6, end) for end in (source, destination))
    rest = header + _udp(b"readdressed", *ends)
    seen = bytearray(handler.payload(1)[:40])
    seen[4:7] = struct.pack("!HB", len(rest), kind)
    handler.payload(1)[: 40 + len(rest)] = bytes(seen) + rest
    handler.fields(1, length=40 + len(rest))
    handler.put(1, _CHANGED)
    handler.settle()
    same(connected.recv(64), b"contents", "the flow's socket")
    same(anyone.recvfrom(64)[:2][0], b"readdressed", "the socket that a lookup finds")
    same((handler.stats().accepted, handler.stats().refused), (2, 0), "accepted, refused")


def home_address_of_the_sender() -> None:
    """Destination options with another source: the socket is looked up again."""
    header = bytes([17, 2, 1, 2, 0, 0, 201, 16]) + socket.inet_pton(socket.AF_INET6, _CLIENT_HOME)
    state = f"xfrm state add src {_CLIENT_HOME} dst fd00:1::1 proto hao mode ro coa {_CARE_OF}"
    _readdressed(header, 60, _CLIENT_HOME, "fd00:1::1", state)


def home_address_of_the_receiver() -> None:
    """A routing header with another destination: the socket is looked up again."""
    header = bytes([17, 2, 2, 1]) + bytes(4) + socket.inet_pton(socket.AF_INET6, _HOME)
    state = f"xfrm state add src {_CARE_OF} dst {_HOME} proto route2 mode ro coa fd00:1::1"
    _readdressed(header, 43, _CARE_OF, _HOME, state)
