# SPDX-License-Identifier: MIT
"""The namespace of the handler, hosts a and b at its two links: where packets come from and arrive."""

import contextlib
import select
import socket
import struct
from collections.abc import Iterator

from generator import Record
from lane import deliver, ip, nft
from nets import Hosts
from scenarios import ADDRESSES, CONNECTED, DELIVERED, PORTS, STATION, Scenario

_IGNORE_OUTGOING, _VIRTIO_HEADER = 23, 15
_SOL_PACKET, _SOL_UDP, _UDP_SEGMENT = 263, 17, 103
_ALL_PROTOCOLS = 3
_MARKER = 0x88B6
_IP_MTU_DISCOVER, _PMTUDISC_DO = 10, 2
#: Hooks after which a packet may be delivered here; at others a socket sees errors only, some time later.
_BEFORE_DELIVERY = ("prerouting", "input")
_SETTINGS = {
    "ipv4/ip_forward": 1,
    "ipv6/conf/all/forwarding": 1,
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/pa/rp_filter": 0,
    "ipv4/conf/pb/rp_filter": 0,
    "ipv4/conf/all/accept_source_route": 1,
    "ipv4/conf/pa/accept_source_route": 1,
    "ipv6/auto_flowlabels": 0,
}


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


class Wire:
    """An Ethernet interface: send frames, see what arrives."""

    def __init__(self, interface: str, *, offload: bool = False) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        self.socket.setsockopt(_SOL_PACKET, _VIRTIO_HEADER, int(offload))
        self.socket.bind((interface, 0 if offload else _ALL_PROTOCOLS))
        self.socket.setblocking(False)

    def arrived(self) -> list[bytes]:
        """Return frames from their type on, without those that hosts send to groups by themselves."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                frame = self.socket.recv(65536)
                if not frame[0] & 1:
                    found.append(frame[12:])
        return found


class Places:
    """Router or bridge, for all scenarios of its kind."""

    def __init__(self, *, bridged: bool) -> None:
        self._hosts = Hosts(bridged=bridged)
        self._marks = 0
        with self._hosts.inside("a"):
            self._a, self._offload = Wire("eth0"), Wire("eth0", offload=True)
        with self._hosts.inside("b"):
            self._b = Wire("eth0")
        for name in ("a", "b"):  # they only send and look: no answers
            with self._hosts.inside(name):
                ip("address flush dev eth0", "link set eth0 promisc on")
        self._links = {name: Wire(f"p{name}") for name in ("a", "b")}
        self._wires = {"a": self._a, "b": self._b}
        self._sockets: dict[str, socket.socket] = {}
        self._out: dict[int, tuple[socket.socket, socket.socket, str]] = {}
        self._gateway = b""
        if bridged:
            self._settle_bridge()
        else:
            self._settle_router()

    def _settle_bridge(self) -> None:
        ip("link set br0 address 02:00:00:00:0c:01")
        self._wires["br0"] = Wire("br0")
        self._bridge = self._wires["br0"].socket

    def _settle_router(self) -> None:
        for name, value in _SETTINGS.items():
            with open(f"/proc/sys/net/{name}", "w") as file:  # noqa: PTH123 start-up time
                file.write(str(value))
        ip("link set pa address 02:00:00:00:0a:02", "link set pb address 02:00:00:00:0b:02")
        self._gateway = _mac("02:00:00:00:0a:02")
        for version in (4, 6):
            a, _, _, b = ADDRESSES[version]
            ip(f"neighbour replace {a} lladdr {STATION} dev pa nud permanent",
               f"neighbour replace {b} lladdr 02:00:00:00:0b:01 dev pb nud permanent")  # fmt: skip
            self._open_sockets(version)

    def _open_sockets(self, version: int) -> None:
        """Open what takes packets to the router, and what sends its own."""
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        a, router, local, b = ADDRESSES[version]
        for protocol in DELIVERED[version]:
            self._sockets[f"raw{version} {protocol}"] = socket.socket(family, socket.SOCK_RAW, protocol)
        for name, ports, peer in (("udp", PORTS, None), ("connected", CONNECTED, (a, CONNECTED[0]))):
            found = socket.socket(family, socket.SOCK_DGRAM)
            found.bind((router, ports[1]))
            if peer:
                found.connect(peer)
            self._sockets[f"{name}{version}"] = found
        raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        segments = socket.socket(family, socket.SOCK_DGRAM)
        if version == 4:  # a packet that may not be fragmented has no identification by chance
            segments.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DO)
        segments.bind((local, PORTS[0]))
        self._out[version] = (raw, segments, b)
        for each in self._sockets.values():
            each.setblocking(False)

    @contextlib.contextmanager
    def rules(self, scenario: Scenario) -> Iterator[None]:
        """Have a scenario's rules in force, and nothing of the one before in the sockets."""
        nft(scenario.rules())
        self.arrived(scenario)
        try:
            yield
        finally:
            nft("flush ruleset")

    def send(self, scenario: Scenario, record: Record) -> str:
        """Send a record; return the name of the error that a call gave, or nothing."""
        try:
            for packet in record.packets:
                self._send(scenario, record, packet)
                deliver()
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _send(self, scenario: Scenario, record: Record, packet: bytes) -> None:
        version = 4 if record.ethertype == 0x0800 else 6
        if record.way == "local":
            raw, _, b = self._out[version]
            raw.sendto(packet, (b, 0))
        elif record.way == "segments":
            _, segments, b = self._out[version]
            control = [(_SOL_UDP, _UDP_SEGMENT, struct.pack("H", record.size))]
            segments.sendmsg([packet], control, 0, (b, PORTS[1]))
        else:
            frame = self._to(scenario) + _mac(STATION) + struct.pack("!H", record.ethertype) + packet
            if record.way == "offload":
                self._offload.socket.send(_offload(frame, version, record.size) + frame)
            elif scenario.bridged and scenario.hook == "output":
                self._bridge.send(frame)
            else:
                self._a.socket.send(frame)

    def _to(self, scenario: Scenario) -> bytes:
        if not scenario.bridged:
            return self._gateway
        return _mac("02:00:00:00:0c:01" if scenario.hook == "input" else "02:00:00:00:0b:01")

    def arrived(self, scenario: Scenario) -> list[tuple[str, bytes]]:
        """Return what has arrived since the last call, and where; a marker on each link ends it."""
        self._marks += 1
        marker = struct.pack("!HI", _MARKER, self._marks) + bytes(46)
        for link in self._links.values():
            link.socket.send(_mac("020000000001") + _mac("020000000002") + marker)
        found = []
        for name, wire_ in self._wires.items():
            frames = wire_.arrived()
            while name != "br0" and marker not in frames:
                deliver()
                frames += wire_.arrived()
            found += [(name, frame) for frame in frames if frame[:2] != struct.pack("!H", _MARKER)]
        for link in self._links.values():
            link.arrived()
        delivered = self._delivered()
        return found + delivered if scenario.hook in _BEFORE_DELIVERY else found

    def _delivered(self) -> list[tuple[str, bytes]]:
        poller = select.poll()
        names = {}
        for name, each in self._sockets.items():
            poller.register(each, select.POLLIN)
            names[each.fileno()] = name
        found = []
        for fd, _ in sorted(poller.poll(0)):
            name = names[fd]
            with contextlib.suppress(OSError):
                while True:
                    data, source = self._sockets[name].recvfrom(65536)
                    if not source[0].startswith(("fe80", "::")):  # what hosts tell each other by themselves
                        found.append((name, data))
        return found


def _offload(frame: bytes, version: int, size: int) -> bytes:
    """Return struct virtio_net_hdr: TCP in segments of ``size`` bytes, checksums still open."""
    start = 14 + (20 if version == 4 else 40)
    kind = 1 if version == 4 else 4
    return struct.pack("=BBHHHH", 1, kind, start + 20, size, start, 16)
