# SPDX-License-Identifier: MIT
from __future__ import annotations

from pathlib import Path

import pytest

from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.lab.topology import LAB, Command, NetworkSetting, load, steps

TEXT = (PROJECT / "qemu" / "topology.toml").read_text()


def test_addresses() -> None:
    topology = load()
    assert [side.name for side in topology.sides] == ["client", "server"]
    assert topology.client.endpoint.address4 == "198.18.0.2"
    assert topology.server.endpoint.address6 == "2001:2:0:2::2"
    assert topology.server.target.interface == "eth1"


def test_macs_differ() -> None:
    macs = [end.mac for side in load().sides for end in (side.endpoint, side.target)]
    assert len(set(macs)) == 4


def test_the_client_side_step_by_step() -> None:
    commands = [step for step in steps(load()) if isinstance(step, Command)]
    shown = [f"{step.namespace}: {' '.join(step.argv)}" for step in commands if "server" not in str(step)]
    assert shown == [
        "lab: ip link set lo up",
        "client: ip link set lo up",
        "lab: ip link add br-client type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
        "lab: ip tuntap add dev tap-client mode tap vnet_hdr",
        "lab: ip link add veth-client type veth peer name eth0 address 02:fa:00:00:01:02 netns {client}",
        "lab: ip link set tap-client master br-client",
        "lab: ip link set tap-client up",
        "lab: ip link set veth-client master br-client",
        "lab: ip link set veth-client up",
        "lab: ip link set br-client up",
        "client: ip link set eth0 up",
        "client: ip addr add 198.18.0.2/24 dev eth0",
        "client: ip addr add 2001:2:0:1::2/64 dev eth0 nodad",
        "client: ip route add default via 198.18.0.1",
        "client: ip -6 route add default via 2001:2:0:1::1",
        "lab: ethtool -K tap-client rx off tx off sg off tso off gso off gro off",
        "lab: ethtool -K veth-client rx off tx off sg off tso off gso off gro off",
        "client: ethtool -K eth0 rx off tx off sg off tso off gso off gro off",
    ]


def test_offloads_stay_where_asked() -> None:
    assert not [step for step in steps(load(), offloads=True) if "ethtool" in str(step)]


def test_the_lab_namespace_has_no_ipv6_and_hosts_are_quiet() -> None:
    settings = {
        (step.namespace, step.key): step.value for step in steps(load()) if isinstance(step, NetworkSetting)
    }
    assert settings[LAB, "net.ipv6.conf.default.disable_ipv6"] == "1"
    assert settings["client", "net.ipv6.conf.default.router_solicitations"] == "0"
    assert ("server", "net.ipv6.conf.all.accept_ra") in settings


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[server]", "[servant]", "'server' is missing"),
        ('tap = "tap-client"\n', "", "'tap' is missing"),
        ("tap-client", "tap-of-the-client", "client.tap"),
        ("02:fa:00:00:01:02", "02:FA:00:00:01:02", "client.endpoint.mac"),
        ("198.18.0.2/24", "198.18.0.256/24", "198.18.0.256"),
        ("2001:2:0:1::2/64", "198.18.0.9/24", "198.18.0.9"),
        ("[client]", "[client", "topology.toml"),
        ("mac =", "mack =", "mack"),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "topology.toml"
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(KitError, match=said) as caught:
        load(path)
    assert caught.value.code == "FQ-TOPOLOGY"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"topology\.toml"):
        load(tmp_path / "topology.toml")
