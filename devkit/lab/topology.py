# SPDX-License-Identifier: MIT
"""The lab's network as data (qemu/topology.toml) and the steps that make it."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.host.errors import KitError
from devkit.host.paths import PROJECT

#: The namespace of bridges, taps and QEMU; the others are named after their side.
LAB = "lab"

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_INTERFACE_LENGTH = 15

#: A segment leaves as it was written: no checksum left open, nothing merged or cut by the host.
_OFFLOADS = ("rx", "tx", "sg", "tso", "gso", "gro")

#: Hosts say nothing of their own accord, so that a sniffer sees what a test sent.
_QUIET_HOST = {
    "net.ipv6.conf.{which}.accept_dad": "0",
    "net.ipv6.conf.{which}.dad_transmits": "0",
    "net.ipv6.conf.{which}.router_solicitations": "0",
    "net.ipv6.conf.{which}.accept_ra": "0",
    "net.ipv6.conf.{which}.autoconf": "0",
}
#: Programs without capabilities serve at the usual ports, such as 80.
_ALL_PORTS = "net.ipv4.ip_unprivileged_port_start"


@dataclass(frozen=True)
class Endpoint:
    """An interface and its addresses, with prefix length (``198.18.0.2/24``)."""

    interface: str
    mac: str
    ipv4: str
    ipv6: str

    @property
    def address4(self) -> str:
        """IPv4 address without the prefix length."""
        return self.ipv4.partition("/")[0]

    @property
    def address6(self) -> str:
        """IPv6 address without the prefix length."""
        return self.ipv6.partition("/")[0]


@dataclass(frozen=True)
class Side:
    """One of the two networks: a host in its namespace, and the target's interface there."""

    name: str
    bridge: str
    tap: str
    veth: str
    endpoint: Endpoint
    target: Endpoint


@dataclass(frozen=True)
class Topology:
    """The client's and the server's side."""

    client: Side
    server: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both, in the order of the target's interfaces."""
        return self.client, self.server


@dataclass(frozen=True)
class Command:
    """Run ``argv`` in a namespace; ``{name}`` in it stands for the path of that namespace."""

    namespace: str
    argv: tuple[str, ...]


@dataclass(frozen=True)
class NetworkSetting:
    """Set a kernel parameter (sysctl) in a namespace."""

    namespace: str
    key: str
    value: str


Step = Command | NetworkSetting


def load(path: Path = PROJECT / "qemu" / "topology.toml") -> Topology:
    """Read and check a topology; KitError FQ-TOPOLOGY names the file and what is wrong."""
    try:
        table = tomllib.loads(path.read_text())
        return Topology(*(_side(name, table[name]) for name in ("client", "server")))
    except KeyError as error:
        raise _wrong(path, f"{error.args[0]!r} is missing") from error
    except (OSError, TypeError, ValueError) as error:
        raise _wrong(path, str(error)) from error


def _wrong(path: Path, what: str) -> KitError:
    return KitError("FQ-TOPOLOGY", f"{path}: {what}", "compare the file with the one in the repository")


def _side(name: str, table: dict[str, Any]) -> Side:
    bridge, tap, veth = (_interface(f"{name}.{key}", table[key]) for key in ("bridge", "tap", "veth"))
    endpoint, target = (_endpoint(f"{name}.{key}", table[key]) for key in ("endpoint", "target"))
    return Side(name, bridge, tap, veth, endpoint, target)


def _endpoint(where: str, table: dict[str, str]) -> Endpoint:
    end = Endpoint(**table)
    _interface(f"{where}.interface", end.interface)
    if not _MAC.fullmatch(end.mac):
        raise ValueError(f"{where}.mac: {end.mac!r} is not a MAC address in lower case")
    ipaddress.IPv4Interface(end.ipv4)
    ipaddress.IPv6Interface(end.ipv6)
    return end


def _interface(where: str, name: str) -> str:
    if not 0 < len(name) <= _INTERFACE_LENGTH or "/" in name:
        raise ValueError(f"{where}: {name!r} cannot be an interface (1 to {_INTERFACE_LENGTH} characters)")
    return name


def steps(topology: Topology, *, offloads: bool = False) -> Iterator[Step]:
    """Everything that makes the network, in order, starting from empty namespaces.

    ``offloads`` keeps checksum and segmentation offloads of veths and taps, for throughput.
    """
    for which in ("all", "default"):
        yield NetworkSetting(LAB, f"net.ipv6.conf.{which}.disable_ipv6", "1")
    yield _ip(LAB, "link set lo up")
    for side in topology.sides:
        yield from _host(side)
        yield from _network(side)
        yield from _addresses(side)
        if not offloads:
            yield _without_offloads(LAB, side.tap)
            yield _without_offloads(LAB, side.veth)
            yield _without_offloads(side.name, side.endpoint.interface)


def _host(side: Side) -> Iterator[Step]:
    for which in ("all", "default"):
        for key, value in _QUIET_HOST.items():
            yield NetworkSetting(side.name, key.format(which=which), value)
    yield NetworkSetting(side.name, _ALL_PORTS, "0")
    yield _ip(side.name, "link set lo up")


def _network(side: Side) -> Iterator[Step]:
    end = side.endpoint
    yield _ip(LAB, f"link add {side.bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
    yield _ip(LAB, f"tuntap add dev {side.tap} mode tap vnet_hdr")
    yield _ip(
        LAB,
        f"link add {side.veth} type veth peer name {end.interface} address {end.mac} netns {{{side.name}}}",
    )
    for port in (side.tap, side.veth):
        yield _ip(LAB, f"link set {port} master {side.bridge}")
        yield _ip(LAB, f"link set {port} up")
    yield _ip(LAB, f"link set {side.bridge} up")


def _addresses(side: Side) -> Iterator[Step]:
    end, router = side.endpoint, side.target
    yield _ip(side.name, f"link set {end.interface} up")
    yield _ip(side.name, f"addr add {end.ipv4} dev {end.interface}")
    yield _ip(side.name, f"addr add {end.ipv6} dev {end.interface} nodad")
    yield _ip(side.name, f"route add default via {router.address4}")
    yield _ip(side.name, f"-6 route add default via {router.address6}")


def _without_offloads(namespace: str, interface: str) -> Command:
    words = [word for name in _OFFLOADS for word in (name, "off")]
    return Command(namespace, ("ethtool", "-K", interface, *words))


def _ip(namespace: str, words: str) -> Command:
    return Command(namespace, ("ip", *words.split()))
